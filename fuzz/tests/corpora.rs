//! Every corpus, without a fuzzer: all of its files, and what is left of each when it is cut off or
//! has a wrong byte.

use std::fs;
use std::path::Path;

use purrwall_fuzz::TARGETS;

#[test]
fn no_input_breaks_a_promise() {
    for (name, target) in TARGETS {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("corpus")
            .join(name);
        let files = fs::read_dir(&dir)
            .unwrap()
            .map(|entry| entry.unwrap().path());
        let (mut meant, mut meaningless) = (0, 0);
        for file in files {
            let bytes = fs::read(&file).unwrap();
            println!("{}", file.display());
            if target(&bytes) {
                meant += 1;
            } else {
                meaningless += 1;
            }
            for length in 0..bytes.len() {
                target(&bytes[..length]);
                let mut wrong = bytes.clone();
                wrong[length] ^= 1;
                target(&wrong);
            }
        }
        assert!(meant > 0, "no input of {name} means anything");
        assert!(meaningless > 0, "every input of {name} means something");
    }
}
