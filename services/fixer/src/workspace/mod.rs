//! Where an attempt gets its code from and leaves its fix: a local bare mirror that the tested code never sees.

pub mod git;
pub mod mirror;
pub mod tree;
