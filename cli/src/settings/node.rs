//! Where lightningd is, and what it is spoken to with: at one place, or at several that the file lists.

use std::fs;
use std::path::{Path, PathBuf};

use purrwall_gateway::{Endpoint, Rest, RestError};
use shared::lightning::Network;

use crate::settings::error::SettingsError;
use crate::settings::file::{NODE_KEYS, Section};
use crate::settings::keys;
use crate::settings::origin::{Given, Origin};
use crate::settings::parse::Lightning;
use crate::settings::reader::SettingsReader;

/// The variable that holds the rune itself.
const RUNE: &str = "PURRWALL_RUNE";

/// The store's nodes, as the owner described them.
pub(super) struct Nodes {
    /// There is one at least.
    pub(super) endpoints: Vec<Endpoint>,
    pub(super) rune_files: Vec<RuneFile>,
    pub(super) allow_dangerous_rune: bool,
}

/// The file that a rune was read from.
#[derive(Clone, Debug)]
pub struct RuneFile {
    /// The file.
    pub path: PathBuf,
    /// Who is shown the rune.
    pub rest: Rest,
}

/// What one node is described with.
struct Described {
    /// `None` is lightningd's own socket.
    lightning: Option<Given>,
    rune_file: Option<Given>,
    ca_file: Option<Given>,
    tls_name: Option<Given>,
}

/// Reads the settings, and the files that they name.
pub(super) fn read(
    reader: &mut SettingsReader,
    home: Option<&Path>,
    network: Option<Network>,
) -> Result<Nodes, SettingsError> {
    let lightning = reader.given(&keys::lightning)?;
    let socket_given = reader.sources.find(&keys::lightning_rpc.about)?;
    let listed = listed(reader, [&lightning, &socket_given])?;
    // A flag wins over the file's other name for the node, as over its own.
    let lightning = lightning.filter(|given| {
        let socket = socket_given.as_ref();
        socket.is_none_or(|socket| given.origin.rank() <= socket.origin.rank())
    });
    let described = Described {
        lightning,
        rune_file: reader.given(&keys::rune_file)?,
        ca_file: reader.given(&keys::ca_file)?,
        tls_name: reader.given(&keys::tls_name)?,
    };
    let allow_dangerous_rune = reader.required(&keys::dangerous_rune)?;
    let mut rune_files = Vec::new();
    let endpoints = if listed.is_empty() {
        // Where it is not used, there need not be a home.
        let home = home.or(described.lightning.is_some().then_some(Path::new("/")));
        let lightning_rpc = socket(reader, home, network)?;
        vec![match &described.lightning {
            None => Endpoint::Socket(lightning_rpc),
            Some(given) => {
                let rune = || rune(reader, given, described.rune_file.as_ref());
                endpoint(given, &described, rune, &mut rune_files)?
            }
        }]
    } else {
        reader.given(&keys::lightning_rpc)?;
        let one = |section: &Section| {
            let given = section.require("lightning")?;
            let described = Described {
                lightning: None,
                rune_file: section.get("rune_file").cloned(),
                ca_file: section.get("ca_file").cloned(),
                tls_name: section.get("tls_name").cloned(),
            };
            let rune = || {
                if variable(reader).is_some() {
                    return Err(given.wrong(format!(
                        "needs a rune of its own, and {RUNE} holds one for all; unset it, and name a \
                         rune_file in each [[node]]"
                    )));
                }
                let file = described.rune_file.as_ref().ok_or_else(|| {
                    given.wrong(
                        "needs a rune; write it into a file that only purrwall can read and name that \
                         with rune_file in this [[node]]",
                    )
                })?;
                Rune::of_file(file)
            };
            endpoint(given, &described, rune, &mut rune_files)
        };
        listed.iter().map(one).collect::<Result<_, _>>()?
    };
    Ok(Nodes {
        endpoints,
        rune_files,
        allow_dangerous_rune,
    })
}

/// The `[[node]]`s of the file, where they count: a flag or a variable that names a node wins over all of
/// them, as over any line of the file. Such a line beside them is an error.
fn listed<'a>(
    reader: &SettingsReader<'a>,
    given: [&Option<Given>; 2],
) -> Result<&'a [Section], SettingsError> {
    let Some(file) = reader.sources.file.filter(|file| !file.nodes.is_empty()) else {
        return Ok(&[]);
    };
    let is_outside = |given: &Given| !matches!(given.origin, Origin::File { .. } | Origin::Default);
    if given.into_iter().flatten().any(is_outside) {
        return Ok(&[]);
    }
    let alone = NODE_KEYS.into_iter().chain(["lightning_rpc"]);
    let mut alone = alone.filter_map(|key| file.settings.get(key));
    match alone.find(|given| !given.text.is_empty()) {
        Some(lone) => Err(lone.wrong(
            "stands beside [[node]], where each node has its own lines; move it into the [[node]] that it \
             is about (a socket is named with lightning there), or take the [[node]]s out",
        )),
        None => Ok(&file.nodes),
    }
}

/// The node that `given` names. Its rune is only asked for where there is one to show.
fn endpoint(
    given: &Given,
    described: &Described,
    rune: impl FnOnce() -> Result<Rune, SettingsError>,
    rune_files: &mut Vec<RuneFile>,
) -> Result<Endpoint, SettingsError> {
    let Described {
        ca_file, tls_name, ..
    } = described;
    let url = match (keys::lightning.read)(given)? {
        Lightning::Socket(socket) => return Ok(Endpoint::Socket(socket)),
        Lightning::Rest(url) => url,
    };
    let rune = rune()?;
    let ca = ca_file.as_ref().map(contents).transpose()?;
    let name = tls_name.as_ref().map(|given| given.text.as_str());
    let rest = Rest::new(&url, &rune.text, ca.as_deref(), name);
    let rest = rest.map_err(|error| match (&error, ca_file, tls_name) {
        (RestError::Rune, _, _) => rune.wrong(&error),
        (RestError::Ca, Some(ca_file), _) => ca_file.wrong(&error),
        (RestError::Name, _, Some(name)) => name.wrong(&error),
        _ => given.wrong(&error),
    })?;
    rune_files.extend(rune.file.map(|path| RuneFile {
        path,
        rest: rest.clone(),
    }));
    Ok(Endpoint::Rest(rest))
}

/// A rune, and where it stood.
struct Rune {
    text: String,
    place: String,
    file: Option<PathBuf>,
}

impl Rune {
    fn of_file(file: &Given) -> Result<Self, SettingsError> {
        Ok(Self {
            text: String::from_utf8(contents(file)?).unwrap_or_default(),
            place: file.place(),
            file: Some(file.path()),
        })
    }

    /// The error that it is. It is not repeated.
    fn wrong(&self, why: &RestError) -> SettingsError {
        SettingsError::Value {
            place: self.place.clone(),
            why: why.to_string(),
        }
    }
}

/// The rune of the only node.
fn rune(
    reader: &SettingsReader,
    lightning: &Given,
    file: Option<&Given>,
) -> Result<Rune, SettingsError> {
    if let Some(text) = variable(reader) {
        return Ok(Rune {
            text,
            place: RUNE.to_owned(),
            file: None,
        });
    }
    let file = file.ok_or_else(|| {
        lightning.wrong(format!(
            "needs a rune; write it into a file that only purrwall can read and name that with \
             rune_file, or set {RUNE}"
        ))
    })?;
    Rune::of_file(file)
}

/// The rune in the variable. What is no text is no rune, and is told so.
fn variable(reader: &SettingsReader) -> Option<String> {
    let text = (reader.sources.environment)(RUNE)?;
    (!text.is_empty()).then(|| text.into_string().unwrap_or_default())
}

/// What is in the file that a setting names.
fn contents(given: &Given) -> Result<Vec<u8>, SettingsError> {
    fs::read(given.path()).map_err(|error| given.wrong(format!("cannot be read: {error}")))
}

/// lightningd's own socket, whether it is used or not.
pub(super) fn socket(
    reader: &mut SettingsReader,
    home: Option<&Path>,
    network: Option<Network>,
) -> Result<PathBuf, SettingsError> {
    reader.path(&keys::lightning_rpc, || {
        Some(default_socket(home?, network))
    })
}

fn default_socket(home: &Path, network: Option<Network>) -> PathBuf {
    let network = network.unwrap_or(Network::Bitcoin);
    home.join(format!(".lightning/{network}/lightning-rpc"))
}
