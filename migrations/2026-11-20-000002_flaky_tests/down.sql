drop table flaky_tests;
