//! How one value is read from a node and shown again: a small trait, and its scalars.

use secrecy::{ExposeSecret, SecretString};

use super::node::{Kind, Node, quoted};

/// Why a node is not the value that was expected.
pub(super) enum Fault {
    /// Another type.
    Type,
    /// The right type, a wrong value: what is wrong with it.
    Value(String),
}

/// A type that a key can have.
pub(super) trait Value: Sized {
    /// What a right value looks like: "expected …".
    const EXPECTED: &'static str;
    /// Whether messages must not repeat it, and its file must be private.
    const SECRET: bool = false;

    /// Reads it.
    fn read(node: &Node) -> Result<Self, Fault>;

    /// Shows it, in TOML.
    fn show(&self) -> String;
}

/// The text of a node that must be one.
pub(super) fn text(node: &Node) -> Result<&str, Fault> {
    match &node.kind {
        Kind::Text(text) => Ok(text),
        _ => Err(Fault::Type),
    }
}

/// The integer of a node; variables and flags write it as text.
pub(super) fn integer(node: &Node) -> Result<i128, Fault> {
    match &node.kind {
        Kind::Integer(number) => Ok(*number),
        Kind::Text(text) if !node.origin.is_typed() => text.trim().parse().map_err(|_| Fault::Type),
        _ => Err(Fault::Type),
    }
}

/// Reads a text by its `FromStr`.
pub(super) fn parsed<T>(node: &Node) -> Result<T, Fault>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    text(node)?.trim().parse().map_err(|error: T::Err| Fault::Value(error.to_string()))
}

impl Value for String {
    const EXPECTED: &'static str = "a string";

    fn read(node: &Node) -> Result<Self, Fault> {
        match text(node)? {
            "" => Err(Fault::Value("must not be empty".to_owned())),
            text => Ok(text.to_owned()),
        }
    }

    fn show(&self) -> String {
        quoted(self)
    }
}

impl Value for SecretString {
    const EXPECTED: &'static str = "a string";
    const SECRET: bool = true;

    fn read(node: &Node) -> Result<Self, Fault> {
        match text(node)?.trim() {
            "" => Err(Fault::Value("must not be empty".to_owned())),
            text => Ok(Self::from(text)),
        }
    }

    fn show(&self) -> String {
        if self.expose_secret().is_empty() { "\"\"" } else { "\"…set\"" }.to_owned()
    }
}

impl Value for bool {
    const EXPECTED: &'static str = "true or false";

    fn read(node: &Node) -> Result<Self, Fault> {
        match &node.kind {
            Kind::Boolean(value) => Ok(*value),
            Kind::Text(text) if !node.origin.is_typed() => text.trim().parse().map_err(|_| Fault::Type),
            _ => Err(Fault::Type),
        }
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl Value for f64 {
    const EXPECTED: &'static str = "a number";

    fn read(node: &Node) -> Result<Self, Fault> {
        match &node.kind {
            Kind::Float(number) => Ok(*number),
            Kind::Text(text) if !node.origin.is_typed() => text.trim().parse().map_err(|_| Fault::Type),
            #[expect(clippy::cast_precision_loss, reason = "an amount of money")]
            _ => integer(node).map(|number| number as Self),
        }
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl Value for u32 {
    const EXPECTED: &'static str = "an integer";

    fn read(node: &Node) -> Result<Self, Fault> {
        let number = integer(node)?;
        Self::try_from(number).map_err(|_| Fault::Value(format!("must be 0 to {}", Self::MAX)))
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

/// A TCP port, never 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Port(pub(super) u16);

impl Value for Port {
    const EXPECTED: &'static str = "a port";

    fn read(node: &Node) -> Result<Self, Fault> {
        let port = u16::try_from(integer(node)?).ok().filter(|port| *port != 0);
        port.map(Self).ok_or_else(|| Fault::Value("a port is 1 to 65535".to_owned()))
    }

    fn show(&self) -> String {
        self.0.to_string()
    }
}

/// An enum whose values are words of the file, with its [`Value`].
macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $expected:literal { $($(#[$word_doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name {
            $($(#[$word_doc])* $variant,)+
        }

        impl $name {
            /// The word of the configuration.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }

        impl $crate::config::value::Value for $name {
            const EXPECTED: &'static str = $expected;

            fn read(node: &$crate::config::node::Node) -> Result<Self, $crate::config::value::Fault> {
                match $crate::config::value::text(node)? {
                    $($word => Ok(Self::$variant),)+
                    _ => Err($crate::config::value::Fault::Value(concat!("must be ", $expected).to_owned())),
                }
            }

            fn show(&self) -> String {
                format!("{:?}", self.word())
            }
        }
    };
}
pub(super) use words;
