//! Where lightningd is, and what it is spoken to with.

use std::fs;
use std::path::{Path, PathBuf};

use purrwall_gateway::{Endpoint, Rest, RestError};
use shared::lightning::Network;

use crate::settings::error::SettingsError;
use crate::settings::keys;
use crate::settings::origin::Given;
use crate::settings::parse::Lightning;
use crate::settings::reader::SettingsReader;

/// The variable that holds the rune itself.
const RUNE: &str = "PURRWALL_RUNE";

/// lightningd, as the owner described it.
pub(super) struct Node {
    pub(super) endpoint: Endpoint,
    pub(super) allow_dangerous_rune: bool,
}

/// Reads the settings, and the files that they name.
pub(super) fn read(
    reader: &mut SettingsReader,
    home: Option<&Path>,
    network: Option<Network>,
) -> Result<Node, SettingsError> {
    let lightning = reader.given(&keys::lightning)?;
    let socket_given = reader.sources.find(&keys::lightning_rpc.about)?;
    // A flag wins over the file's other name for the node, as over its own.
    let lightning = lightning.filter(|given| {
        let socket = socket_given.as_ref();
        socket.is_none_or(|socket| given.origin.rank() <= socket.origin.rank())
    });
    let rune_file = reader.given(&keys::rune_file)?;
    let ca_file = reader.given(&keys::ca_file)?;
    let tls_name = reader.given(&keys::tls_name)?;
    let allow_dangerous_rune = reader.required(&keys::dangerous_rune)?;
    // Where it is not used, there need not be a home.
    let home = home.or(lightning.is_some().then_some(Path::new("/")));
    let lightning_rpc = socket(reader, home, network)?;
    let endpoint = match &lightning {
        None => Endpoint::Socket(lightning_rpc),
        Some(given) => match (keys::lightning.read)(given)? {
            Lightning::Socket(socket) => Endpoint::Socket(socket),
            Lightning::Rest(url) => {
                let rune = rune(reader, given, rune_file.as_ref())?;
                let ca = ca_file.as_ref().map(contents).transpose()?;
                let name = tls_name.as_ref().map(|given| given.text.as_str());
                let rest = Rest::new(&url, &rune.text, ca.as_deref(), name);
                let rest = rest.map_err(|error| match (&error, &ca_file, &tls_name) {
                    (RestError::Rune, _, _) => rune.wrong(&error),
                    (RestError::Ca, Some(ca_file), _) => ca_file.wrong(&error),
                    (RestError::Name, _, Some(name)) => name.wrong(&error),
                    _ => given.wrong(&error),
                })?;
                Endpoint::Rest(rest)
            }
        },
    };
    Ok(Node {
        endpoint,
        allow_dangerous_rune,
    })
}

/// A rune, and where it stood.
struct Rune {
    text: String,
    place: String,
}

impl Rune {
    /// The error that it is. It is not repeated.
    fn wrong(&self, why: &RestError) -> SettingsError {
        SettingsError::Value {
            place: self.place.clone(),
            why: why.to_string(),
        }
    }
}

fn rune(
    reader: &SettingsReader,
    lightning: &Given,
    file: Option<&Given>,
) -> Result<Rune, SettingsError> {
    let variable = (reader.sources.environment)(RUNE);
    if let Some(text) = variable.filter(|text| !text.is_empty()) {
        return Ok(Rune {
            // What is no text is no rune, and is told so.
            text: text.into_string().unwrap_or_default(),
            place: RUNE.to_owned(),
        });
    }
    let file = file.ok_or_else(|| {
        lightning.wrong(format!(
            "needs a rune; write it into a file that only purrwall can read and name that with \
             rune_file, or set {RUNE}"
        ))
    })?;
    Ok(Rune {
        text: String::from_utf8(contents(file)?).unwrap_or_default(),
        place: file.place(),
    })
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
