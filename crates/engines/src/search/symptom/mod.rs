//! What the failures look like, read from exception types and messages, and which templates they make likely.
mod bias;
mod comparison;
mod message;
mod pattern;

pub use bias::bias;

use crate::brief::Failure;
use message::read;

/// One observation about the failures.
#[derive(Clone, Debug, PartialEq)]
pub enum Symptom {
    /// `None` was used as something else.
    NoneValue,
    /// A key was missing.
    MissingKey(String),
    /// An index was out of range, or an empty sequence was used.
    OutOfRange,
    /// A name is not defined.
    UnknownName(String),
    /// A local variable was read before it was bound.
    Unbound(String),
    /// A class or module has no such attribute.
    UnknownAttribute {
        /// Type name or `module`.
        owner: String,
        /// The attribute.
        attribute: String,
    },
    /// Division by zero.
    ZeroDivision,
    /// A call lacks arguments, or has too many.
    Arguments {
        /// Function as named by the message.
        function: String,
        /// Missing parameter names.
        missing: Vec<String>,
        /// A keyword that the function does not take.
        unexpected: Option<String>,
    },
    /// Operands of types that do not go together.
    Operands,
    /// Something that is no function was called.
    NotCallable,
    /// A method or function object was used as its result, a sign of missing parentheses.
    NotCalled,
    /// A coroutine was not awaited.
    NotAwaited,
    /// An import failed.
    Import(String),
    /// A container changed while it was iterated.
    ChangedWhileIterated,
    /// A value could not be converted or parsed.
    Conversion,
    /// Unpacking of the wrong number of values.
    Unpacking,
    /// The program recursed or ran without end.
    Endless,
    /// An unhashable value was used as a key.
    Unhashable,
    /// Naive and aware times were mixed.
    Timezone,
    /// An expected exception did not come.
    DidNotRaise(String),
    /// The project raised one of its own, or another, exception.
    Raised(String),
    /// Compared numbers differ by one.
    OffByOne,
    /// Compared numbers differ in the sign.
    Sign,
    /// Compared numbers are equal after rounding.
    Rounding,
    /// Compared numbers differ by a power of ten.
    Scale,
    /// `None` came where a value was expected.
    NothingReturned,
    /// True and False are swapped.
    WrongTruth,
    /// Texts differ in case only.
    Case,
    /// Texts differ in white space only.
    Space,
    /// Sequences hold the same in another order.
    Order,
    /// A sequence is longer or shorter than expected.
    Length,
    /// int and float, text and number, or list and tuple were mixed up.
    WrongType,
    /// A number is below zero that should not be.
    Negative,
    /// A number is larger than expected.
    Above,
    /// A number is smaller than expected.
    Below,
    /// A literal came out where another one was expected: first what came.
    Instead(String, String),
    /// A value that the failing assertion expected, as a literal.
    Expected(String),
}

/// Reads the failures. Each observation appears once.
pub fn symptoms(failures: &[Failure]) -> Vec<Symptom> {
    let mut found: Vec<Symptom> = Vec::new();
    for failure in failures.iter().take(24) {
        for symptom in read(failure) {
            if !found.contains(&symptom) {
                found.push(symptom);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(exception: &str, message: &str) -> Vec<Symptom> {
        symptoms(&[Failure {
            exception: exception.to_owned(),
            message: message.to_owned(),
            ..Failure::default()
        }])
    }

    #[test]
    fn messages_of_the_interpreter_are_read() {
        assert_eq!(
            of("NameError", "name 'totl' is not defined")[0],
            Symptom::UnknownName("totl".into())
        );
        assert!(of("AttributeError", "'NoneType' object has no attribute 'name'").contains(&Symptom::NoneValue));
        assert_eq!(
            of("AttributeError", "'Cart' object has no attribute 'itms'")[0],
            Symptom::UnknownAttribute {
                owner: "Cart".into(),
                attribute: "itms".into()
            }
        );
        assert_eq!(of("KeyError", "'sku'")[0], Symptom::MissingKey("sku".into()));
        assert_eq!(
            of("TypeError", "Cart.add() missing 1 required positional argument: 'qty'")[0],
            Symptom::Arguments {
                function: "add".into(),
                missing: vec!["qty".into()],
                unexpected: None
            }
        );
        assert_eq!(
            of(
                "UnboundLocalError",
                "cannot access local variable 'best' where it is not associated with a value"
            )[0],
            Symptom::Unbound("best".into())
        );
        assert!(
            of("Failed", "DID NOT RAISE <class 'shop.errors.OutOfStock'>")
                .contains(&Symptom::DidNotRaise("OutOfStock".into()))
        );
    }

    #[test]
    fn failed_comparisons_are_read() {
        for (message, expected) in [
            ("assert 3 == 4", Symptom::OffByOne),
            ("assert 'Abc' == 'abc'", Symptom::Case),
            ("assert 'a ' == 'a'", Symptom::Space),
            ("assert [1, 3, 2] == [1, 2, 3]", Symptom::Order),
            ("assert None == 4", Symptom::NothingReturned),
            ("assert True == False", Symptom::WrongTruth),
            ("assert -2 == 2\n +  where -2 = f()", Symptom::Sign),
            ("assert 150 == 1.5", Symptom::Scale),
            ("assert 10.004 == 10.0", Symptom::Rounding),
        ] {
            assert!(
                of("AssertionError", message).contains(&expected),
                "{message}: {:?}",
                of("AssertionError", message)
            );
        }
    }
}
