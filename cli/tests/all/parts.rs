//! What is compiled into a program of one's own that opens a store.

use std::process::Command;

#[test]
fn a_program_that_opens_a_store_compiles_no_command_line() {
    let tree = |more: &[&str]| {
        let mut command = Command::new(env!("CARGO"));
        command
            .args(["tree", "--package", "purrwall", "--edges", "normal"])
            .args([
                "--prefix",
                "none",
                "--format",
                "{p}",
                "--locked",
                "--offline",
            ])
            .args(more)
            .current_dir(env!("CARGO_MANIFEST_DIR"));
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let (program, library) = (tree(&[]), tree(&["--no-default-features"]));
    let holds = |tree: &str, name: &str| tree.lines().any(|line| line.starts_with(name));
    assert!(holds(&library, "purrwall-gateway "), "{library}");
    for name in [
        "clap ",
        "cln-plugin ",
        "sd-notify ",
        "tracing-subscriber ",
        "purrwall-buyer ",
    ] {
        assert!(holds(&program, name), "the program has {name}");
        assert!(!holds(&library, name), "the library has {name}");
    }
}
