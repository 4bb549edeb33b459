//! The scope of an S3 error: temporary, this object, or the whole bucket.

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use crate::blobs::file::failure::{Failure, Scope};

/// Classifies an error by its code and status; `what` says what was tried.
pub fn failure<E>(what: &str, error: SdkError<E, HttpResponse>) -> Failure
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let status = error.raw_response().map(|response| response.status().as_u16());
    let code = error.code().map(str::to_owned);
    let message = error.message().map(str::to_owned);
    let (scope, detail) = match &error {
        SdkError::ServiceError(_) => {
            let words = match (&code, &message) {
                (Some(code), Some(message)) => format!("{code}: {message}"),
                (Some(code), None) => code.clone(),
                (None, message) => message.clone().unwrap_or_else(|| "no reason given".to_owned()),
            };
            let status = status.unwrap_or_default();
            (scope(code.as_deref(), status), format!("{words} (HTTP {status})"))
        }
        SdkError::TimeoutError(_) => (Scope::Passing, "the service did not answer in time".to_owned()),
        SdkError::DispatchFailure(dispatch) if dispatch.is_user() => (Scope::Storage, chain(&error)),
        _ => {
            let text = chain(&error);
            let no_credentials = text.contains("credentials");
            let scope = if no_credentials {
                Scope::Storage
            } else {
                Scope::Passing
            };
            (
                scope,
                if no_credentials {
                    format!("no credentials found: {text}")
                } else {
                    text
                },
            )
        }
    };
    Failure {
        scope,
        message: format!("{what}: {detail}"),
    }
}

/// An error and its causes, each once: the SDK's own display includes debug output.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = String::new();
    let causes = std::iter::successors(Some(error), |error| error.source());
    for cause in causes
        .map(ToString::to_string)
        .filter(|cause| cause != "dispatch failure")
    {
        if !text.ends_with(&cause) {
            let separator = if text.is_empty() { "" } else { ": " };
            text = format!("{text}{separator}{cause}");
        }
    }
    text
}

fn scope(code: Option<&str>, status: u16) -> Scope {
    match code {
        Some(
            "NoSuchBucket"
            | "InvalidBucketName"
            | "InvalidAccessKeyId"
            | "SignatureDoesNotMatch"
            | "ExpiredToken"
            | "InvalidToken"
            | "TokenRefreshRequired"
            | "AccountProblem"
            | "AllAccessDisabled"
            | "PermanentRedirect"
            | "AuthorizationHeaderMalformed"
            | "RequestTimeTooSkewed"
            | "QuotaExceeded"
            | "XMinioStorageFull",
        ) => Scope::Storage,
        Some(
            "SlowDown"
            | "RequestTimeout"
            | "Throttling"
            | "ThrottlingException"
            | "OperationAborted"
            | "NoSuchUpload"
            | "PreconditionFailed"
            | "InternalError"
            | "ServiceUnavailable"
            | "BadDigest"
            | "IncompleteBody",
        ) => Scope::Passing,
        _ => match status {
            408 | 409 | 412 | 425 | 429 | 500.. => Scope::Passing,
            301 | 307 => Scope::Storage,
            _ => Scope::File,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_sorted_by_whether_trying_again_can_help() {
        assert_eq!(scope(Some("SlowDown"), 503), Scope::Passing);
        assert_eq!(scope(None, 502), Scope::Passing);
        assert_eq!(scope(None, 429), Scope::Passing);
        assert_eq!(scope(Some("NoSuchKey"), 404), Scope::File);
        assert_eq!(scope(Some("AccessDenied"), 403), Scope::File);
        assert_eq!(scope(Some("NoSuchBucket"), 404), Scope::Storage);
        assert_eq!(scope(Some("InvalidAccessKeyId"), 403), Scope::Storage);
        assert_eq!(scope(Some("NotImplemented"), 400), Scope::File);
    }
}
