//! The tools that the project needs: which, in which version, how to see that they are there,
//! and where they come from.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};

use crate::command::{command, output, root, tools_dir};

/// The Trunk that builds the page. Its output format is stable within a version only.
const TRUNK: &str = "0.21.14";
/// The mdBook that makes the book: its output changes between versions.
const MDBOOK: &str = "0.5.4";
/// The oldest binaryen that understands what rustc 1.95 emits (Debian 12 has it).
const OLDEST_WASM_OPT: u32 = 108;
/// The oldest Node.js whose test runner the browser tests use.
const OLDEST_NODE: u32 = 20;

/// The cargo-deb that makes the Debian package.
const CARGO_DEB: &str = "3.8.0";
/// The cargo-cyclonedx that lists what a release is made of.
const CARGO_CYCLONEDX: &str = "0.5.7";
/// The cargo-deny that checks dependencies.
const CARGO_DENY: &str = "0.20.2";
/// The oldest Python that the packages in [`TEST_PACKAGES`] were chosen for (Debian 12 has it).
const OLDEST_PYTHON: (u32, u32) = (3, 11);
/// The packages from PyPI that tests need.
const TEST_PACKAGES: PythonPackages = PythonPackages {
    list: "xtask/python/requirements.txt",
    dir: "python",
    pythons: &["python3"],
};
/// LNbits and what it needs. It takes no Python from 3.13 on (Debian 12 has 3.11).
const LNBITS: PythonPackages = PythonPackages {
    list: "xtask/python/lnbits.txt",
    dir: "lnbits",
    pythons: &["python3.12", "python3.11"],
};

/// The Chromium without windows, and its package in Debian. Other systems have none.
const HEADLESS_CHROMIUM: &str = "chromium-headless-shell";

/// What the tools are wanted for: tests need all of them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A first look: the programs, and a page in the dev profile.
    Demo,
    /// Building the page and the programs.
    Build,
    /// Building what owners install.
    Packages,
    /// Building and testing them, also with a browser.
    Tests,
    /// Making the book of the documents.
    Book,
    /// Measuring beside other programs that sell.
    Peers,
}

/// One tool.
pub(crate) struct Tool {
    /// The name that people know it by.
    pub(crate) name: &'static str,
    /// The version that will do, in words.
    pub(crate) wanted: String,
    /// Finds it: the version that is there, or what is wrong with it.
    pub(crate) find: Box<dyn Fn() -> Result<String> + Sync>,
    /// Where it comes from.
    pub(crate) source: Source,
}

/// Where a tool comes from.
pub(crate) enum Source {
    /// A target of the Rust toolchain.
    RustTarget(String),
    /// A component of the Rust toolchain.
    RustComponent(&'static str),
    /// A package of the operating system.
    System {
        /// Debian's and Ubuntu's packages.
        apt: &'static [&'static str],
        /// What to type on macOS.
        brew: &'static str,
    },
    /// A Rust program, compiled into `.tools`.
    Crate {
        /// Its name on crates.io.
        name: &'static str,
        /// The exact version.
        version: String,
        /// More options of `cargo install`.
        options: &'static [&'static str],
    },
    /// The npm packages that a folder's lockfile names.
    Npm(&'static str),
    /// Packages from PyPI, in an environment of their own.
    Python(PythonPackages),
}

/// Packages from PyPI.
#[derive(Clone, Copy)]
pub(crate) struct PythonPackages {
    /// The file that names each of them with its version and hashes.
    pub(crate) list: &'static str,
    /// Their environment's folder in `.tools`.
    dir: &'static str,
    /// The Pythons that they run on, the one to take first.
    pythons: &'static [&'static str],
}

impl PythonPackages {
    /// The environment. Tests and the benchmark find it at the same place.
    pub(crate) fn dir(&self) -> PathBuf {
        tools_dir().join(self.dir)
    }

    /// The list of what is installed. It is written last.
    pub(crate) fn mark(&self) -> PathBuf {
        self.dir().join("requirements.txt")
    }

    /// The first of the Pythons that is there.
    pub(crate) fn python(&self) -> Result<&'static str> {
        let mut pythons = self.pythons.iter().copied();
        let is_there = |python: &&str| version_of(python).is_ok();
        let names = self.pythons.join(" nor ");
        pythons
            .find(is_there)
            .with_context(|| format!("there is neither {names}"))
    }

    fn find(&self) -> Result<String> {
        let read = |path: PathBuf| {
            fs::read(&path).with_context(|| format!("cannot read {}", path.display()))
        };
        ensure!(
            read(self.mark())? == read(root().join(self.list))?,
            "other packages are installed"
        );
        Ok(format!("in .tools/{}", self.dir))
    }
}

/// The environment of the packages that tests need.
pub(crate) fn python_dir() -> PathBuf {
    TEST_PACKAGES.dir()
}

/// The tools for a purpose, in the order in which they are installed.
pub(crate) fn tools(purpose: Purpose) -> Result<Vec<Tool>> {
    let mut tools = match purpose {
        Purpose::Book => return Ok(vec![mdbook()]),
        Purpose::Demo => return Ok(compilers()),
        _ => build_tools()?,
    };
    if matches!(purpose, Purpose::Packages | Purpose::Tests) && cfg!(target_os = "linux") {
        tools.extend(package_tools()?);
    }
    if purpose == Purpose::Packages {
        tools.push(cargo_cyclonedx());
    }
    if purpose == Purpose::Peers {
        tools.extend(a_browser());
        tools.extend([e2e_packages(), python_for_lnbits(), lnbits()]);
    }
    if purpose == Purpose::Tests {
        tools.extend(browser_tools());
        tools.extend(proxies());
        tools.extend(test_packages());
        if cfg!(target_os = "linux") {
            tools.extend([systemd(), libfiu(), pebble()]);
        }
    }
    Ok(tools)
}

/// The target whose programs need nothing of the system that they run on.
pub(crate) fn musl_target() -> Result<String> {
    ensure!(env::consts::OS == "linux", "packages are made on Linux");
    Ok(format!("{}-unknown-linux-musl", env::consts::ARCH))
}

/// The browser as visitors have it: what `CHROMIUM` names, or the first that is installed.
pub(crate) fn chromium() -> Result<String> {
    program(
        "CHROMIUM",
        &["chromium", "chromium-browser", "google-chrome"],
    )
}

/// The browser for the tests. It opens no windows if there is such a one: the tests need half of the processor
/// time then.
pub(crate) fn headless_chromium() -> Result<String> {
    program("CHROMIUM", &[HEADLESS_CHROMIUM]).or_else(|_| chromium())
}

/// The browser's driver: what `CHROMEDRIVER` names, or the one that is installed.
pub(crate) fn chromedriver() -> Result<String> {
    program("CHROMEDRIVER", &["chromedriver"])
}

/// The other browser for the tests: what `FIREFOX` names, or the first that is installed. It needs
/// no driver.
pub(crate) fn firefox() -> Result<String> {
    program("FIREFOX", &["firefox-esr", "firefox"])
}

/// What compiles the frontend.
fn compilers() -> Vec<Tool> {
    vec![
        Tool {
            name: "wasm32 target",
            wanted: "of the Rust in use".into(),
            find: Box::new(|| find_target("wasm32-unknown-unknown")),
            source: Source::RustTarget("wasm32-unknown-unknown".into()),
        },
        Tool {
            name: "clang",
            wanted: "any that has the target wasm32".into(),
            find: Box::new(find_clang),
            source: Source::System {
                apt: &["clang-14"],
                brew: "brew install llvm && export CC_wasm32_unknown_unknown=\"$(brew --prefix llvm)/bin/clang\"",
            },
        },
    ]
}

/// What makes a release of the page.
fn build_tools() -> Result<Vec<Tool>> {
    let wasm_bindgen = locked_version("wasm-bindgen")?;
    let mut tools = compilers();
    tools.extend([
        Tool {
            name: "rust-src",
            wanted: "of the Rust in use".into(),
            find: Box::new(find_rust_source),
            source: Source::RustComponent("rust-src"),
        },
        Tool {
            name: "wasm-opt",
            wanted: format!("{OLDEST_WASM_OPT} or newer"),
            find: Box::new(|| at_least(OLDEST_WASM_OPT, version_of("wasm-opt")?)),
            source: Source::System {
                apt: &["binaryen"],
                brew: "brew install binaryen",
            },
        },
        Tool {
            name: "esbuild",
            wanted: "any".into(),
            find: Box::new(|| version_of("esbuild")),
            source: Source::System {
                apt: &["esbuild"],
                brew: "brew install esbuild",
            },
        },
        Tool {
            name: "Trunk",
            wanted: TRUNK.into(),
            find: Box::new(|| exactly(TRUNK, version_of("trunk")?)),
            source: Source::Crate {
                name: "trunk",
                version: TRUNK.into(),
                options: &["--no-default-features", "--features", "rustls"],
            },
        },
        Tool {
            name: "wasm-bindgen",
            wanted: format!("{wasm_bindgen}, as in Cargo.lock"),
            find: {
                let wanted = wasm_bindgen.clone();
                Box::new(move || exactly(&wanted, version_of("wasm-bindgen")?))
            },
            source: Source::Crate {
                name: "wasm-bindgen-cli",
                version: wasm_bindgen,
                options: &[],
            },
        },
    ]);
    Ok(tools)
}

fn mdbook() -> Tool {
    Tool {
        name: "mdBook",
        wanted: MDBOOK.into(),
        find: Box::new(|| exactly(MDBOOK, version_of("mdbook")?)),
        source: Source::Crate {
            name: "mdbook",
            version: MDBOOK.into(),
            options: &["--no-default-features", "--features", "search"],
        },
    }
}

fn package_tools() -> Result<Vec<Tool>> {
    let target = musl_target()?;
    Ok(vec![
        Tool {
            name: "musl target",
            wanted: "of the Rust in use".into(),
            find: {
                let target = target.clone();
                Box::new(move || find_target(&target))
            },
            source: Source::RustTarget(target),
        },
        Tool {
            name: "musl-gcc",
            wanted: "any".into(),
            find: Box::new(|| version_of("musl-gcc")),
            source: Source::System {
                apt: &["musl-tools"],
                brew: "(on Linux only)",
            },
        },
        Tool {
            name: "cargo-deb",
            wanted: CARGO_DEB.into(),
            find: Box::new(|| exactly(CARGO_DEB, version_of("cargo-deb")?)),
            source: Source::Crate {
                name: "cargo-deb",
                version: CARGO_DEB.into(),
                options: &[],
            },
        },
    ])
}

/// Only releases have such a list.
fn cargo_cyclonedx() -> Tool {
    Tool {
        name: "cargo-cyclonedx",
        wanted: CARGO_CYCLONEDX.into(),
        find: Box::new(|| {
            let said = output(command("cargo").args(["cyclonedx", "--version"]))?;
            let version = said.split_whitespace().last().unwrap_or_default();
            exactly(CARGO_CYCLONEDX, version.to_owned())
        }),
        source: Source::Crate {
            name: "cargo-cyclonedx",
            version: CARGO_CYCLONEDX.into(),
            options: &[],
        },
    }
}

/// A browser, and what runs scripts with it.
fn a_browser() -> Vec<Tool> {
    vec![
        Tool {
            name: "Node.js and npm",
            wanted: format!("{OLDEST_NODE} or newer"),
            find: Box::new(find_node),
            source: Source::System {
                apt: &["nodejs", "npm"],
                brew: "brew install node",
            },
        },
        Tool {
            name: "Chromium",
            wanted: "any, or its path in CHROMIUM".into(),
            find: Box::new(|| version_of(&chromium()?)),
            source: Source::System {
                apt: &["chromium"],
                brew: "brew install --cask google-chrome && export CHROMIUM=\"/Applications/Google Chrome.app/Contents/MacOS/Google Chrome\"",
            },
        },
    ]
}

/// What the tests look at pages with.
fn browser_tools() -> Vec<Tool> {
    let mut tools = a_browser();
    tools.extend([
        Tool {
            name: "ChromeDriver",
            wanted: "as the browser, or its path in CHROMEDRIVER".into(),
            find: Box::new(find_chromedriver),
            source: Source::System {
                apt: &["chromium-driver"],
                brew: "brew install --cask chromedriver",
            },
        },
        Tool {
            name: "Firefox",
            wanted: "any, or its path in FIREFOX".into(),
            find: Box::new(|| version_of(&firefox()?)),
            source: Source::System {
                apt: &["firefox-esr"],
                brew: "brew install --cask firefox && export FIREFOX=/Applications/Firefox.app/Contents/MacOS/firefox",
            },
        },
        Tool {
            name: "ffmpeg",
            wanted: "any, to record the story".into(),
            find: Box::new(find_ffmpeg),
            source: Source::System {
                apt: &["ffmpeg"],
                brew: "brew install ffmpeg",
            },
        },
    ]);
    if is_debian() {
        tools.push(Tool {
            name: "Chromium without windows",
            wanted: "any, or its path in CHROMIUM".into(),
            find: Box::new(|| version_of(&program("CHROMIUM", &[HEADLESS_CHROMIUM])?)),
            source: Source::System {
                apt: &[HEADLESS_CHROMIUM],
                brew: "",
            },
        });
    }
    tools
}

fn is_debian() -> bool {
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    release.lines().any(|line| line == "ID=debian")
}

/// The servers that the store is tested behind, and the client that comes from many addresses.
fn proxies() -> Vec<Tool> {
    vec![
        Tool {
            name: "nginx",
            wanted: "any, for the tests behind proxies".into(),
            find: Box::new(|| proxy("nginx", "-v")),
            source: Source::System {
                apt: &["nginx"],
                brew: "brew install nginx",
            },
        },
        Tool {
            name: "Apache",
            wanted: "any, for the tests behind proxies".into(),
            find: Box::new(|| proxy("apache2", "-v")),
            source: Source::System {
                apt: &["apache2-bin"],
                brew: "brew install httpd",
            },
        },
        Tool {
            name: "HAProxy",
            wanted: "any, for the tests behind proxies".into(),
            find: Box::new(|| proxy("haproxy", "-v")),
            source: Source::System {
                apt: &["haproxy"],
                brew: "brew install haproxy",
            },
        },
        Tool {
            name: "Caddy",
            wanted: "any, for the tests behind proxies".into(),
            find: Box::new(|| proxy("caddy", "version")),
            source: Source::System {
                apt: &["caddy"],
                brew: "brew install caddy",
            },
        },
        Tool {
            name: "curl",
            wanted: "any, for the tests behind proxies".into(),
            find: Box::new(|| version_of("curl")),
            source: Source::System {
                apt: &["curl"],
                brew: "brew install curl",
            },
        },
    ]
}

/// What tests need from registries: other implementations to compare with, and checks.
fn test_packages() -> Vec<Tool> {
    vec![
        Tool {
            name: "Python",
            wanted: format!(
                "{}.{} or newer, with venv",
                OLDEST_PYTHON.0, OLDEST_PYTHON.1
            ),
            find: Box::new(find_python),
            source: Source::System {
                apt: &["python3", "python3-venv"],
                brew: "brew install python",
            },
        },
        Tool {
            name: "Python packages",
            wanted: format!("as in {}", TEST_PACKAGES.list),
            find: Box::new(|| TEST_PACKAGES.find()),
            source: Source::Python(TEST_PACKAGES),
        },
        Tool {
            name: "cargo-deny",
            wanted: CARGO_DENY.into(),
            find: Box::new(|| exactly(CARGO_DENY, version_of("cargo-deny")?)),
            source: Source::Crate {
                name: "cargo-deny",
                version: CARGO_DENY.into(),
                options: &[],
            },
        },
        Tool {
            name: "PHP",
            wanted: "any, for a service that is sold".into(),
            find: Box::new(|| version_of("php")),
            source: Source::System {
                apt: &["php-cli"],
                brew: "brew install php",
            },
        },
        e2e_packages(),
    ]
}

fn e2e_packages() -> Tool {
    Tool {
        name: "e2e's npm packages",
        wanted: "as in e2e/package-lock.json".into(),
        find: Box::new(find_npm_packages),
        source: Source::Npm("e2e"),
    }
}

fn python_for_lnbits() -> Tool {
    Tool {
        name: "Python for LNbits",
        wanted: "3.11 or 3.12, with venv".into(),
        find: Box::new(|| {
            let python = LNBITS.python()?;
            output(command(python).args(["-c", "import ensurepip, venv"]))
                .context("there is no venv")?;
            version_of(python)
        }),
        source: Source::System {
            apt: &["python3.11", "python3.11-venv"],
            brew: "brew install python@3.12",
        },
    }
}

fn lnbits() -> Tool {
    Tool {
        name: "LNbits",
        wanted: format!("as in {}", LNBITS.list),
        find: Box::new(|| LNBITS.find()),
        source: Source::Python(LNBITS),
    }
}

/// Makes calls to the system fail, for the campaign of the disk.
fn libfiu() -> Tool {
    Tool {
        name: "libfiu",
        wanted: "any, to make writes fail".into(),
        find: Box::new(|| output(command("which").arg("fiu-run"))),
        source: Source::System {
            apt: &["fiu-utils"],
            brew: "(on Linux only)",
        },
    }
}

/// A CA for tests, from which the gateway gets its certificate.
fn pebble() -> Tool {
    Tool {
        name: "pebble",
        wanted: "any, to get certificates from".into(),
        find: Box::new(|| output(command("which").arg("pebble"))),
        source: Source::System {
            apt: &["pebble"],
            brew: "(on Linux only)",
        },
    }
}

/// Its programs check the unit that the Debian package installs.
fn systemd() -> Tool {
    Tool {
        name: "systemd",
        wanted: "any, to check the unit".into(),
        find: Box::new(|| version_of("systemd-analyze")),
        source: Source::System {
            apt: &["systemd"],
            brew: "(on Linux only)",
        },
    }
}

fn find_target(target: &str) -> Result<String> {
    let dir = output(command("rustc").args(["--print", "target-libdir", "--target", target]))?;
    ensure!(Path::new(&dir).is_dir(), "there is no {dir:?}");
    version_of("rustc")
}

/// The standard library's source, which a release of the page is compiled with.
fn find_rust_source() -> Result<String> {
    let toolchain = output(command("rustc").args(["--print", "sysroot"]))?;
    let manifest = Path::new(&toolchain).join("lib/rustlib/src/rust/library/std/Cargo.toml");
    ensure!(manifest.is_file(), "there is no {}", manifest.display());
    version_of("rustc")
}

/// Looks at the compiler that cargo will use: `.cargo/config.toml` names it, the environment
/// may name another.
fn find_clang() -> Result<String> {
    let clang = env::var("CC_wasm32_unknown_unknown").unwrap_or_else(|_| "clang".into());
    let targets = output(command(&clang).arg("--print-targets"))?;
    ensure!(targets.contains("wasm32"), "{clang} has no target wasm32");
    version_of(&clang)
}

/// A server of Debian's, where only root's PATH leads. It says its version on either output.
fn proxy(name: &str, option: &str) -> Result<String> {
    let script = format!("PATH=$PATH:/usr/sbin {name} {option} 2>&1");
    let said = output(command("sh").args(["-c", &script]))?;
    Ok(said.lines().next().unwrap_or_default().to_owned())
}

fn find_node() -> Result<String> {
    output(command("sh").args(["-c", "command -v npm"])).context("there is no npm")?;
    at_least(OLDEST_NODE, version_of("node")?)
}

/// `ffmpeg version 5.1.9-0+deb12u1 Copyright …`, and no `--version`.
fn find_ffmpeg() -> Result<String> {
    let text = output(command("ffmpeg").arg("-version"))?;
    let version = text.split_whitespace().nth(2);
    version
        .map(str::to_owned)
        .context("ffmpeg names no version")
}

fn find_chromedriver() -> Result<String> {
    let (browser, driver) = (version_of(&chromium()?)?, version_of(&chromedriver()?)?);
    ensure!(
        major(&browser)? == major(&driver)?,
        "found {driver}, but the browser is {browser}"
    );
    Ok(driver)
}

/// npm writes the hidden lockfile last, so a broken-off installation is seen as none.
fn find_npm_packages() -> Result<String> {
    let modified = |path: &str| {
        let path = root().join(path);
        let time = fs::metadata(&path).and_then(|data| data.modified());
        time.with_context(|| format!("there is no {}", path.display()))
    };
    let installed = modified("e2e/node_modules/.package-lock.json")?;
    ensure!(
        installed >= modified("e2e/package-lock.json")?,
        "the lockfile is newer than what is installed"
    );
    Ok("in e2e/node_modules".into())
}

/// `Python 3.11.2`, which makes environments only if it has `ensurepip`.
fn find_python() -> Result<String> {
    let version = version_of("python3")?;
    let mut numbers = version.split('.').map(str::parse);
    let (Some(Ok(major)), Some(Ok(minor))) = (numbers.next(), numbers.next()) else {
        bail!("found {version:?}");
    };
    ensure!((major, minor) >= OLDEST_PYTHON, "found {version}");
    output(command("python3").args(["-c", "import ensurepip, venv"]))
        .context("there is no venv")?;
    Ok(version)
}

fn program(variable: &str, names: &[&str]) -> Result<String> {
    if let Ok(path) = env::var(variable) {
        return Ok(path);
    }
    let found = names
        .iter()
        .find_map(|name| output(command("sh").args(["-c", &format!("command -v {name}")])).ok());
    found.with_context(|| format!("there is no {}", names.join(", no ")))
}

/// The first word of `PROGRAM --version` that looks like a version: `trunk 0.21.14`,
/// `wasm-opt version 108`, `v20.20.2`, `ChromeDriver 156.0.8078.79 (…)`.
fn version_of(program: &str) -> Result<String> {
    let text = output(command(program).arg("--version"))?;
    text.split_whitespace()
        .map(|word| word.trim_start_matches('v'))
        .find(|word| word.starts_with(|first: char| first.is_ascii_digit()))
        .map(str::to_owned)
        .with_context(|| format!("`{program} --version` names no version: {text:?}"))
}

fn exactly(wanted: &str, found: String) -> Result<String> {
    ensure!(found == wanted, "found {found}");
    Ok(found)
}

fn at_least(oldest: u32, found: String) -> Result<String> {
    ensure!(major(&found)? >= oldest, "found {found}");
    Ok(found)
}

fn major(version: &str) -> Result<u32> {
    let digits = version.split('.').next().unwrap_or_default();
    digits
        .parse()
        .with_context(|| format!("{version:?} starts with no number"))
}

/// The version of a package in Cargo.lock, whose entries are a `name` line and a `version` line.
fn locked_version(package: &str) -> Result<String> {
    let path = root().join("Cargo.lock");
    let lock =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    version_in_lock(&lock, package)
        .with_context(|| format!("{} has no package {package}", path.display()))
}

fn version_in_lock(lock: &str, package: &str) -> Option<String> {
    let name = format!("name = \"{package}\"");
    let mut lines = lock.lines().skip_while(|line| *line != name).skip(1);
    let version = lines.next()?.strip_prefix("version = \"")?;
    version.strip_suffix('"').map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lockfile_names_a_packages_version() {
        let lock = "[[package]]\nname = \"wasm-bindgen-macro\"\nversion = \"9.9.9\"\n\n\
                    [[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.129\"\n";
        assert_eq!(
            version_in_lock(lock, "wasm-bindgen").as_deref(),
            Some("0.2.129")
        );
        assert_eq!(version_in_lock(lock, "wasm"), None);
    }

    #[test]
    fn versions_are_compared_by_their_first_number() {
        assert_eq!(at_least(20, "20.1.0".into()).unwrap(), "20.1.0");
        assert!(at_least(20, "18.20.4".into()).is_err());
        assert!(at_least(108, "rolling".into()).is_err());
    }
}
