//! What is to be done: pure rules over facts, with time as a parameter. Nothing here reads a clock, a table or a message.

pub mod admission;
pub mod head;
pub mod lifecycle;
pub mod notice;
pub mod retry;
