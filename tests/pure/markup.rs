//! Code and text are told apart.

use proptest::prelude::*;

use clawdos_bridge::model::markup::{Piece, longest_run, pieces};

fn code(text: &str) -> Vec<&str> {
    let code = |piece| match piece {
        Piece::Code(text) => Some(text),
        Piece::Prose(_) => None,
    };
    pieces(text).into_iter().filter_map(code).collect()
}

#[test]
fn spans_and_blocks_are_code_and_what_is_not_closed_is_not() {
    assert_eq!(code("a `b` c ``d ` e`` f"), ["`b`", "``d ` e``"]);
    assert_eq!(
        code("x ```rust\nlet `y`;\n``` z"),
        ["```rust\nlet `y`;\n```"]
    );
    assert_eq!(code("it's a ` lone tick, ```and a lone fence"), [""; 0]);
    assert_eq!(code(r"\`not code\` but `this`"), ["`this`"]);
    assert_eq!(longest_run("a ``` b ```` c `"), 4);
}

proptest! {
    #[test]
    fn the_pieces_are_the_text(text in "[`\\\\a é\n]{0,60}") {
        let whole: String = pieces(&text).into_iter().map(Piece::text).collect();
        prop_assert_eq!(whole, text);
    }
}
