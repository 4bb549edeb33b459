//! The ids of the fuzz targets, and a way for the fuzzer to write them: byte 0x80 + n becomes the text of id n.

use pg_clone_core::ids::{Id, IdMap, IdVersion, NewIds, TextIdMap, uuid_text};
use pg_clone_core::rewrite::{Dangling, IdField, IdPaths, Rewriter};

const PIECES: [&str; 8] = [
    "Patient/",
    "/_history/",
    "urn:uuid:",
    "Bot/bot-1",
    "10378.1/1696289",
    "https://x/",
    "\\u00e9",
    "\\/",
];

pub struct Maps {
    pub ids: IdMap,
    pub none: TextIdMap,
    pub texts: TextIdMap,
    pub paths: IdPaths,
}

fn id(n: u8) -> Id {
    let mut id = *b"\x01\x97\xa3\xc4\x0f\x5e\x7a\xbc\x8d\xef\xab\xcd\xef\x01\x23\x00";
    id[15] = n;
    id
}

impl Maps {
    pub fn new() -> Self {
        let mut ids = IdMap::new(NewIds::new(IdVersion::V4, 0, [9; 16]), usize::MAX);
        let mut texts = TextIdMap::new(usize::MAX);
        for n in 0..4 {
            ids.insert_cloned(id(n)).unwrap();
            ids.insert_not_cloned(id(n + 4)).unwrap();
        }
        texts.insert_typed("Bot", "bot-1", "a-longer-bot").unwrap();
        texts.insert_left_typed("Patient", "p").unwrap();
        texts.insert("10378.1/1696289", "1/2").unwrap();
        let paths = IdPaths::new()
            .with("**.a", IdField::Whole)
            .unwrap()
            .with("**.b[]", IdField::Embedded)
            .unwrap();
        Maps {
            ids,
            none: TextIdMap::new(0),
            texts,
            paths,
        }
    }

    /// A rewriter as the first byte of the input says.
    pub fn rewriter(&self, choice: u8) -> Rewriter<'_> {
        let dangling =
            [Dangling::Keep, Dangling::Null, Dangling::Remove, Dangling::Error][usize::from(choice & 3)];
        let texts = if choice & 4 == 0 { &self.none } else { &self.texts };
        Rewriter::new(&self.ids, texts, dangling).with_id_paths(&self.paths)
    }
}

/// The input with its shorthands written out.
pub fn written_out(input: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for byte in input {
        match byte {
            0x80..0x90 => {
                let text = uuid_text::to_string(&id(byte & 7));
                let text = if byte & 8 == 0 { text } else { text.to_uppercase() };
                out.extend_from_slice(text.as_bytes());
            }
            0x90..0x98 => out.extend_from_slice(PIECES[usize::from(byte & 7)].as_bytes()),
            _ => out.push(*byte),
        }
    }
    out
}
