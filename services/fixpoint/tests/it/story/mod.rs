//! What the whole system does, told of a World; over RabbitMQ and Postgres where `FIXPOINT_TEST_PROFILE` is `distributed`.

mod killed;
mod lifecycle;
mod outcome;
mod skipped;
mod trouble;
mod way;
