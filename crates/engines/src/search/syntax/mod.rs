//! A parsed Python file and the questions that templates ask of its tree.
mod ancestor;
mod expression;
mod literal;
mod node;
mod source;

pub use ancestor::{class_of, decorators, enclosing, function_of, in_loop, is_statement, role, statement_of};
pub use expression::{is_atomic, is_expression, is_loose, operand};
pub use literal::string_parts;
pub use node::{all, count_errors, last_line_of, line_of, named, overlaps, visit, visit_own};
pub use source::{Source, parser};
