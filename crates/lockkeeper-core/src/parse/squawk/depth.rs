//! How deep a text nests, before the grammar, which recurses, is let loose on it.
//!
//! A stack that overflows ends the process and nobody can catch it, so what would come near is refused beforehand.
//! The estimate errs upwards: it takes an operator for one that nests where it cannot tell.

use squawk_lexer::{TokenKind, tokenize};

/// What reading a text may take of the stack, in bytes: half of the 2 MiB that a thread has.
const STACK_BYTES_MAX: usize = 1 << 20;

/// One more parenthesis, bracket or CASE. These four were measured with an unoptimised build and rounded up.
const NEST_BYTES: usize = 5_300;

/// One more prefix, such as NOT or a minus, or one more plpgsql block.
const PREFIX_BYTES: usize = 2_700;

/// One more comparison in a row.
const COMPARISON_BYTES: usize = 1_400;

/// One more link of a chain, such as `+`, AND or UNION: the tree behind it is deep, and taking it down recurses.
const LINK_BYTES: usize = 700;

/// Where reading the text would take too much of the stack, as a byte offset.
pub fn too_deep_at(text: &str) -> Option<usize> {
    let mut levels = Levels::default();
    let mut at = 0;
    for token in tokenize(text) {
        let length = token.len as usize;
        let source = text.get(at..at + length).unwrap_or_default();
        levels.see(token.kind, source);
        if levels.bytes() > STACK_BYTES_MAX {
            return Some(at);
        }
        at += length;
    }
    None
}

/// What the token before was.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    /// A name, a literal, a closing parenthesis: an operator behind it is binary.
    Operand,
    Word,
    /// A word behind which an expression begins.
    Separator,
    End,
    Operator {
        /// Whether something stands between it and what follows.
        apart: bool,
        nth: usize,
    },
    /// The beginning of a statement.
    Start,
    Open,
}

struct Levels {
    /// The levels around the one at hand, in bytes.
    around: Vec<usize>,
    outer_bytes: usize,
    loose_bytes: usize,
    tight_bytes: usize,
    /// BEGIN, IF, LOOP and CASE that wait for their END.
    blocks: usize,
    before: Before,
    is_begin: bool,
}

impl Default for Levels {
    fn default() -> Self {
        Self {
            around: Vec::new(),
            outer_bytes: 0,
            loose_bytes: 0,
            tight_bytes: 0,
            blocks: 0,
            before: Before::Start,
            is_begin: false,
        }
    }
}

impl Levels {
    const fn bytes(&self) -> usize {
        self.outer_bytes + self.loose_bytes + self.tight_bytes + self.blocks * NEST_BYTES
    }

    fn see(&mut self, kind: TokenKind, source: &str) {
        use TokenKind as T;
        match kind {
            T::Whitespace | T::LineComment | T::BlockComment { .. } => {
                if let Before::Operator { apart, .. } = &mut self.before {
                    *apart = true;
                }
            }
            T::OpenParen | T::OpenBracket | T::OpenCurly => {
                let bytes = NEST_BYTES + self.loose_bytes + self.tight_bytes;
                self.around.push(self.loose_bytes);
                self.around.push(self.tight_bytes);
                self.outer_bytes += bytes;
                (self.loose_bytes, self.tight_bytes) = (0, 0);
                self.before = Before::Open;
            }
            T::CloseParen | T::CloseBracket | T::CloseCurly => {
                if let (Some(tight), Some(loose)) = (self.around.pop(), self.around.pop()) {
                    self.outer_bytes -= NEST_BYTES + loose + tight;
                    // What follows it, a subscript for one, hangs on it.
                    (self.loose_bytes, self.tight_bytes) = (loose + LINK_BYTES, tight);
                }
                self.before = Before::Operand;
            }
            T::Comma => {
                (self.loose_bytes, self.tight_bytes) = (0, 0);
                self.before = Before::Open;
            }
            T::Semi => {
                // BEGIN; begins a transaction and no block.
                self.blocks = self.blocks.saturating_sub(usize::from(self.is_begin));
                (self.loose_bytes, self.tight_bytes) = (0, 0);
                self.before = Before::Start;
            }
            T::Ident => self.word(source),
            T::Literal { .. } | T::QuotedIdent { .. } | T::PositionalParam { .. } => self.before = Before::Operand,
            T::Dot | T::DotDot | T::Colon => {
                self.loose_bytes += LINK_BYTES;
                self.before = Before::Operand;
            }
            T::Unknown | T::Eof => self.before = Before::Operand,
            T::And
            | T::At
            | T::Backtick
            | T::Bang
            | T::Caret
            | T::Eq
            | T::Gt
            | T::Lt
            | T::Minus
            | T::Or
            | T::Percent
            | T::Plus
            | T::Pound
            | T::Question
            | T::Slash
            | T::Star
            | T::Tilde => self.operator(kind),
        }
        if !matches!(kind, T::Whitespace | T::LineComment | T::BlockComment { .. }) {
            self.is_begin = kind == T::Ident && source.eq_ignore_ascii_case("begin");
        }
    }

    fn operator(&mut self, kind: TokenKind) {
        let compares = matches!(kind, TokenKind::Eq | TokenKind::Gt | TokenKind::Lt | TokenKind::Bang);
        let (bytes, nth) = match self.before {
            Before::Operand | Before::Word if compares => (COMPARISON_BYTES, 1),
            Before::Operand | Before::Word => (LINK_BYTES, 1),
            // The second sign of `||` and `<=`.
            Before::Operator { apart: false, nth: 1 } => (0, 2),
            _ => (PREFIX_BYTES, 3),
        };
        self.tight_bytes += bytes;
        self.before = Before::Operator { apart: false, nth };
    }

    fn word(&mut self, word: &str) {
        let is = |known: &[&str]| known.iter().any(|it| word.eq_ignore_ascii_case(it));
        let at_start = matches!(self.before, Before::Start | Before::Separator);
        if is(&["and", "or", "on", "join", "union", "intersect", "except", "where"]) {
            self.loose_bytes += LINK_BYTES;
            self.tight_bytes = 0;
            self.before = Before::Separator;
        } else if is(&["when", "then", "else", "elsif", "elseif"]) {
            (self.loose_bytes, self.tight_bytes) = (0, 0);
            self.before = Before::Separator;
        } else if is(&["end"]) {
            self.blocks = self.blocks.saturating_sub(1);
            (self.loose_bytes, self.tight_bytes) = (self.loose_bytes + LINK_BYTES, 0);
            self.before = Before::End;
        } else if is(&["begin", "loop", "case"]) || (at_start && is(&["if"])) {
            self.blocks += usize::from(self.before != Before::End);
            self.before = Before::Separator;
        } else {
            // Of words in a row each may begin anew what the one before began.
            let nests = matches!(self.before, Before::Word | Before::End) || is(&["not"]);
            self.tight_bytes += if nests { PREFIX_BYTES } else { 0 };
            self.before = if is(&["not"]) { Before::Separator } else { Before::Word };
        }
    }
}
