//! What is said to a person, as data: an identifier of the catalogue and its arguments.
//!
//! The sentences themselves live in one catalogue per language, so a decision made in core can be
//! read in every one of them, and a test can ask which message was meant without matching prose.

/// A message of the catalogue with its arguments. Build it with [`message!`](crate::message).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub id: &'static str,
    pub args: Vec<(&'static str, Arg)>,
}

/// One argument of a [`Message`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arg {
    Text(String),
    Number(i64),
    /// A message inside a message: a reason, a state, a kind.
    Message(Box<Message>),
    /// Messages joined by commas.
    List(Vec<Message>),
}

impl Message {
    pub fn new(id: &'static str, args: Vec<(&'static str, Arg)>) -> Self {
        Self { id, args }
    }
}

/// The identifier and its arguments, for logs and test failures. People read the catalogue's text.
impl std::fmt::Display for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.id)?;
        for (name, value) in &self.args {
            write!(f, " {name}={value}")?;
        }
        Ok(())
    }
}

impl std::fmt::Display for Arg {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Message(message) => write!(f, "({message})"),
            Self::List(messages) => {
                write!(f, "[")?;
                for (index, message) in messages.iter().enumerate() {
                    let comma = if index == 0 { "" } else { ", " };
                    write!(f, "{comma}{message}")?;
                }
                write!(f, "]")
            }
        }
    }
}

impl From<&str> for Arg {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Arg {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&String> for Arg {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<Message> for Arg {
    fn from(message: Message) -> Self {
        Self::Message(Box::new(message))
    }
}

impl From<Vec<Message>> for Arg {
    fn from(messages: Vec<Message>) -> Self {
        Self::List(messages)
    }
}

macro_rules! arg_from_integer {
    ($($integer:ty),*) => {
        $(impl From<$integer> for Arg {
            fn from(number: $integer) -> Self {
                Self::Number(i64::try_from(number).unwrap_or(i64::MAX))
            }
        })*
    };
}
arg_from_integer!(i32, i64, u16, u32, u64, usize, u128);

/// Builds a [`Message`](crate::model::Message): `message!("file-empty", path = path)`.
///
/// The identifier is a literal, so that a test can hold the sources against both catalogues.
#[macro_export]
macro_rules! message {
    ($id:literal $(, $name:ident = $value:expr)* $(,)?) => {
        $crate::model::Message::new($id, vec![$((stringify!($name), $crate::model::Arg::from($value))),*])
    };
}
