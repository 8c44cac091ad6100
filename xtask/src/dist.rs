//! `cargo xtask dist`: what owners install, in `target/dist`.
//!
//! One static program with the page inside, as a Debian package, as a tarball, and for the
//! Dockerfile in `packaging/`. [`check`] installs the package into a folder and buys a cat from it.

use std::{
    env, fs,
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail, ensure};

use crate::{
    build,
    command::{command, output, programs_dir, root, run},
    server::Server,
    setup::setup,
    steps::Steps,
    tools::Purpose,
};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The package as it was built.
pub(crate) struct Packages {
    deb: PathBuf,
}

/// Sets up, builds the page and everything that is made of it.
pub(crate) fn dist() -> Result<()> {
    let mut steps = Steps::new();
    steps.run("tools", || setup(Purpose::Packages))?;
    steps.run("page", build::page)?;
    steps.run("packages", packages)?;
    steps.summary();
    Ok(())
}

/// The target whose programs need nothing of the system that they run on.
pub(crate) fn target() -> Result<String> {
    ensure!(env::consts::OS == "linux", "packages are made on Linux");
    Ok(format!("{}-unknown-linux-musl", env::consts::ARCH))
}

/// Builds the program with the page that is in `dist/`, and packs it.
pub(crate) fn packages() -> Result<Packages> {
    let target = target()?;
    run(command("cargo")
        .args([
            "build",
            "--release",
            "--package",
            "gateway",
            "--bin",
            "purrwall",
        ])
        .args(["--features", "embedded-page", "--target", &target]))?;
    let built = target_dir()?.join(&target).join("release/purrwall");
    let linked = output(
        command("sh")
            .arg("-c")
            .arg("ldd \"$0\" 2>&1; true")
            .arg(&built),
    )?;
    ensure!(
        linked.contains("statically linked") || linked.contains("not a dynamic executable"),
        "{} is not static: {linked}",
        built.display()
    );

    let dir = target_dir()?.join("dist");
    if dir.exists() {
        fs::remove_dir_all(&dir).with_context(|| format!("cannot remove {}", dir.display()))?;
    }
    fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
    let deb = deb(&target, &dir)?;
    tarball(&built, &dir)?;
    run(command("sh")
        .args([
            "-c",
            "sha256sum *.deb *.tar.gz > SHA256SUMS && cat SHA256SUMS",
        ])
        .current_dir(&dir))?;
    println!("in {}", dir.display());
    Ok(Packages { deb })
}

/// What cargo-deb makes of the metadata in gateway/Cargo.toml.
fn deb(target: &str, dir: &Path) -> Result<PathBuf> {
    run(command("cargo")
        .args([
            "deb",
            "--package",
            "gateway",
            "--no-build",
            "--no-strip",
            "--locked",
        ])
        .args(["--target", target, "--output"])
        .arg(dir))?;
    let mut entries = fs::read_dir(dir)?.flatten().map(|entry| entry.path());
    let deb = entries.find(|path| path.extension().is_some_and(|end| end == "deb"));
    deb.context("cargo-deb made no package")
}

/// The same for other systems: program, unit, example, docs.
fn tarball(built: &Path, dir: &Path) -> Result<()> {
    let name = format!("purrwall-{VERSION}-{}-linux", env::consts::ARCH);
    let staged = dir.join(&name);
    fs::create_dir_all(&staged)?;
    fs::copy(built, staged.join("purrwall"))?;
    run(command("cp").args(["-R", "packaging", "docs"]).arg(&staged))?;
    run(command("cp")
        .args([
            "README.md",
            "LICENSE-MIT",
            "LICENSE-APACHE",
            "config.example.toml",
        ])
        .arg(&staged))?;
    // The same files give the same bytes, whoever packs them.
    run(command("tar")
        .args(["--sort=name", "--owner=0", "--group=0", "--numeric-owner"])
        .args([
            "--mtime=@0",
            "--mode=u+rw,go+r-w",
            "-czf",
            &format!("{name}.tar.gz"),
            &name,
        ])
        .current_dir(dir))
}

/// Where cargo puts what it builds.
fn target_dir() -> Result<PathBuf> {
    let programs = programs_dir()?;
    let dir = programs.parent().context("cargo's folder has no parent")?;
    Ok(dir.to_owned())
}

/// Installs the package into a folder, and buys a cat from it over the Lightning network in a box.
pub(crate) fn check(packages: &Packages) -> Result<()> {
    // The path of a Unix socket may hold no more than about a hundred bytes.
    let place = env::temp_dir().join(format!("purrwall-{}", std::process::id()));
    let installed = place.join("root");
    fs::create_dir_all(&installed)?;
    run(command("dpkg-deb")
        .arg("--extract")
        .arg(&packages.deb)
        .arg(&installed))?;
    for name in [
        "usr/lib/systemd/system/purrwall.service",
        "usr/lib/sysusers.d/purrwall.conf",
        "etc/purrwall/purrwall.toml",
        "usr/share/doc/purrwall/copyright",
    ] {
        ensure!(installed.join(name).is_file(), "the package has no /{name}");
    }

    let mut devnet = command(programs_dir()?.join("devnet"));
    devnet
        .args(["--http", "127.0.0.1:0", "--dir"])
        .arg(place.join("net"));
    let network = Server::start("the Lightning network", devnet, "ready")?;
    let address = free_address()?;
    let program = installed.join("usr/bin/purrwall");
    let mut store = command(&program);
    store
        .arg("--config")
        .arg(installed.join("etc/purrwall/purrwall.toml"))
        .arg("--lightning-rpc")
        .arg(place.join("net/store/lightning-rpc"))
        .arg("--data-dir")
        .arg(place.join("data"))
        .args(["--listen", &address]);
    let store = Server::start("the installed store", store, &address)?;

    let page = get(&address, "/")?;
    let links = page.split('"').map(Path::new);
    let script = links.filter(|link| link.extension().is_some_and(|end| end == "js"));
    let script = script.map(|link| link.display().to_string()).next();
    let script = script.with_context(|| format!("a page without a script: {page}"))?;
    get(
        &address,
        &format!("/{}", script.trim_start_matches(['.', '/'])),
    )?;
    let cat = place.join("cat.txt");
    run(command(&program)
        .args(["buy", &format!("http://{address}/api/v1/items/cat/content")])
        .args(["--max-sat", "200", "--lightning-rpc"])
        .arg(place.join("net/alice/lightning-rpc"))
        .arg("--out")
        .arg(&cat))?;
    let bought = fs::read(&cat).context("no cat was bought")?;
    let expected = fs::read(root().join("gateway/cats/cat.txt"))?;
    ensure!(bought == expected, "the bought cat is another one");
    store.stop()?;
    network.stop()?;
    Ok(fs::remove_dir_all(&place)?)
}

fn free_address() -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").context("cannot listen")?;
    Ok(listener.local_addr()?.to_string())
}

/// What the store answers, head and all.
fn get(address: &str, path: &str) -> Result<String> {
    let mut stream = TcpStream::connect(address).context("the store does not listen")?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n"
    )?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    if !answer.starts_with("HTTP/1.1 200 ") {
        bail!(
            "GET {path}: {}",
            answer.lines().next().unwrap_or("no answer")
        );
    }
    Ok(answer)
}
