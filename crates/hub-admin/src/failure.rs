//! Why a command did not do what was asked, and the exit code for it.

use std::fmt;

use hub_management::{FieldError, ManagementError};

/// A failed command.
#[derive(Debug)]
pub(crate) struct Failure {
    /// For the person, on standard error.
    pub(crate) message: String,
    /// The fields at fault, one a line below the message.
    pub(crate) fields: Vec<FieldError>,
    /// 1 = failed, 2 = wrong usage or configuration, 3 = partly done.
    pub(crate) exit_code: u8,
}

/// The outcome of a command.
pub(crate) type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    /// Something went wrong.
    pub(crate) fn failed(message: impl fmt::Display) -> Self {
        Self { message: message.to_string(), fields: Vec::new(), exit_code: 1 }
    }

    /// It was done in part; doing it again finishes.
    pub(crate) fn partly(message: impl fmt::Display) -> Self {
        Self { message: message.to_string(), fields: Vec::new(), exit_code: 3 }
    }

    /// It was asked for in a wrong way.
    pub(crate) fn usage(message: impl fmt::Display) -> Self {
        Self { message: message.to_string(), fields: Vec::new(), exit_code: 2 }
    }
}

impl From<ManagementError> for Failure {
    fn from(error: ManagementError) -> Self {
        let fields = error.fields();
        let exit_code = match error {
            ManagementError::Invalid(_) | ManagementError::Misconfigured(_) => 2,
            ManagementError::PartlyCleared { .. } => 3,
            _ => 1,
        };
        // Here the operator reads along: what is kept from callers of the REST interface is told.
        let message = match (&error, error.internal()) {
            (_, Some(internal)) => internal.to_owned(),
            (ManagementError::Invalid(_), None) => "the input can't be taken".to_owned(),
            (_, None) => error.to_string(),
        };
        Self { message, fields, exit_code }
    }
}
