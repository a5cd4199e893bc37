//! What the operating system says of a name that it could not look up.

use std::io;

/// "There is no such name", and "it has no address", as the C libraries put it: glibc, musl, macOS. The standard
/// library passes on their text and not their code, and nobody of us ever sets a locale to translate it.
const NO_SUCH_NAME: [&str; 7] = [
    "Name or service not known",
    "No address associated with hostname",
    "Address family for hostname not supported",
    "Name does not resolve",
    "Name has no usable address",
    "nodename nor servname provided, or not known",
    "No address associated with nodename",
];

/// Whether somebody who knows said that there is no such name. Otherwise nobody did: the resolver is out of reach,
/// refuses us, or has not found whom to ask.
pub fn says_no_such_name(error: &io::Error) -> bool {
    let text = error.to_string();
    NO_SUCH_NAME.iter().any(|known| text.ends_with(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resolver_that_does_not_answer_says_nothing_of_the_name() {
        let said =
            |text: &str| says_no_such_name(&io::Error::other(format!("failed to lookup address information: {text}")));
        assert!(said("Name or service not known") && said("Name does not resolve"));
        for silent in
            ["Temporary failure in name resolution", "Try again", "Non-recoverable failure in name resolution"]
        {
            assert!(!said(silent), "{silent}");
        }
        assert!(!says_no_such_name(&io::Error::from_raw_os_error(libc::ECONNREFUSED)));
    }
}
