//! plpgsql's INTO, which stands in SELECT, RETURNING and VALUES and which the grammar does not know there.

use squawk_syntax::{SyntaxKind, SyntaxNode, SyntaxToken};

use super::{is_trivia, tokens};

/// The text of some nodes in a row, with spaces where INTO and its targets stood: the SQL that remains is read like
/// any other, and nothing has moved. `None` where there is no such clause.
pub fn without_into(nodes: &[SyntaxNode]) -> Option<String> {
    let all: Vec<SyntaxToken> = nodes.iter().flat_map(tokens).filter(|token| !is_trivia(token)).collect();
    let start = usize::from(nodes.first()?.text_range().start());
    let end = usize::from(nodes.last()?.text_range().end());
    let from = position_of_into(&all)?;
    let to = end_of_targets(&all, from + 1);
    let mut text = " ".repeat(end - start);
    for token in nodes.iter().flat_map(tokens) {
        let is_out = all[from..to].contains(&token);
        if !is_out {
            let at = usize::from(token.text_range().start()) - start;
            text.replace_range(at..at + token.text().len(), token.text());
        }
    }
    Some(text)
}

fn position_of_into(all: &[SyntaxToken]) -> Option<usize> {
    let mut open = 0_usize;
    for (index, token) in all.iter().enumerate() {
        match token.kind() {
            SyntaxKind::L_PAREN | SyntaxKind::L_BRACK => open += 1,
            SyntaxKind::R_PAREN | SyntaxKind::R_BRACK => open = open.saturating_sub(1),
            SyntaxKind::INTO_KW if open == 0 => {
                let before = index.checked_sub(1).map(|before| all[before].kind());
                if !matches!(before, Some(SyntaxKind::INSERT_KW | SyntaxKind::MERGE_KW)) {
                    return Some(index);
                }
            }
            _ => {}
        }
    }
    None
}

/// Behind the targets: names with fields and subscripts, with commas between them.
fn end_of_targets(all: &[SyntaxToken], first: usize) -> usize {
    let kind = |index: usize| all.get(index).map(SyntaxToken::kind);
    let mut at = if kind(first) == Some(SyntaxKind::STRICT_KW) { first + 1 } else { first };
    loop {
        at += 1;
        while kind(at) == Some(SyntaxKind::DOT) {
            at += 2;
        }
        if kind(at) == Some(SyntaxKind::L_BRACK) {
            while kind(at).is_some_and(|kind| kind != SyntaxKind::R_BRACK) {
                at += 1;
            }
            at += 1;
        }
        if kind(at) != Some(SyntaxKind::COMMA) {
            return at.min(all.len());
        }
        at += 1;
    }
}
