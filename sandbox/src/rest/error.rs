//! Discord's error answers: an HTTP status, a JSON code, a message, and nested form errors.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

/// The code of a refused form; `errors` says which field is wrong.
const INVALID_FORM_BODY: u32 = 50035;

/// An error as Discord answers it.
#[derive(Clone, Debug)]
pub(crate) struct ApiError {
    /// The HTTP status.
    pub(crate) status: u16,
    /// Discord's JSON error code; 0 when there is none.
    pub(crate) code: u32,
    /// Discord's text.
    pub(crate) message: String,
    /// The nested `errors` object of code 50035.
    pub(crate) errors: Option<Value>,
    /// Seconds to wait, for the few errors that come as HTTP 429.
    pub(crate) retry_after: Option<f64>,
}

/// What handlers answer with.
pub(crate) type ApiResult<T = Response> = Result<T, ApiError>;

impl ApiError {
    /// An error with this status, code and text.
    pub(crate) fn new(status: u16, code: u32, message: &str) -> Self {
        Self {
            status,
            code,
            message: message.to_owned(),
            errors: None,
            retry_after: None,
        }
    }

    /// A refused form with one wrong field.
    pub(crate) fn field(path: &str, code: &str, message: &str) -> Self {
        let mut form = FormErrors::default();
        form.add(path, code, message);
        form.into_error()
    }

    /// 404 for ids that do not exist; `code` is one of Discord's 100xx codes.
    pub(crate) fn unknown(code: u32, what: &str) -> Self {
        Self::new(404, code, &format!("Unknown {what}"))
    }

    /// 403/50001: the channel cannot be seen.
    pub(crate) fn missing_access() -> Self {
        Self::new(403, 50001, "Missing Access")
    }

    /// 403/50013: a permission bit is missing.
    pub(crate) fn missing_permissions() -> Self {
        Self::new(403, 50013, "Missing Permissions")
    }

    /// 401/0: no token, or one that is nobody's.
    pub(crate) fn unauthorized() -> Self {
        Self::new(401, 0, "401: Unauthorized")
    }

    /// The JSON body.
    pub(crate) fn body(&self) -> Value {
        let mut body = json!({ "message": self.message, "code": self.code });
        if let Some(errors) = &self.errors {
            body["errors"] = errors.clone();
        }
        if let Some(seconds) = self.retry_after {
            body["retry_after"] = json!(seconds);
            body["global"] = json!(false);
        }
        body
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(self.body())).into_response();
        if let Some(seconds) = self.retry_after
            && let Ok(value) = format!("{seconds:.3}").parse()
        {
            response.headers_mut().insert("retry-after", value);
        }
        response
    }
}

/// Collects what is wrong with a form, so that one answer names it all.
#[derive(Debug, Default)]
pub(crate) struct FormErrors {
    found: Vec<(String, String, String)>,
}

impl FormErrors {
    /// Notes that the field at `path` (dotted, list indices as numbers) is wrong.
    pub(crate) fn add(&mut self, path: &str, code: &str, message: &str) {
        self.found
            .push((path.to_owned(), code.to_owned(), message.to_owned()));
    }

    /// A text longer than `most` code points.
    pub(crate) fn at_most(&mut self, path: &str, text: &str, most: usize) {
        if text.chars().count() > most {
            self.add(
                path,
                "BASE_TYPE_MAX_LENGTH",
                &format!("Must be {most} or fewer in length."),
            );
        }
    }

    /// A text outside `least..=most` code points.
    pub(crate) fn between(&mut self, path: &str, text: &str, least: usize, most: usize) {
        let length = text.chars().count();
        if length < least || length > most {
            let text = format!("Must be between {least} and {most} in length.");
            self.add(path, "BASE_TYPE_BAD_LENGTH", &text);
        }
    }

    /// A field that must be there.
    pub(crate) fn required(&mut self, path: &str) {
        self.add(path, "BASE_TYPE_REQUIRED", "This field is required");
    }

    /// Fails with 50035 if anything was noted.
    pub(crate) fn check(self) -> Result<(), ApiError> {
        if self.found.is_empty() {
            Ok(())
        } else {
            Err(self.into_error())
        }
    }

    /// 50035 with what was noted.
    pub(crate) fn into_error(self) -> ApiError {
        let mut root = Map::new();
        for (path, code, message) in self.found {
            let mut place = &mut root;
            for step in path.split('.').filter(|step| !step.is_empty()) {
                let next = place
                    .entry(step)
                    .or_insert_with(|| Value::Object(Map::new()));
                if !next.is_object() {
                    *next = Value::Object(Map::new());
                }
                match next {
                    Value::Object(map) => place = map,
                    _ => unreachable!("made an object above"),
                }
            }
            if let Value::Array(list) = place.entry("_errors").or_insert_with(|| json!([])) {
                list.push(json!({ "code": code, "message": message }));
            }
        }
        let mut error = ApiError::new(400, INVALID_FORM_BODY, "Invalid Form Body");
        error.errors = Some(Value::Object(root));
        error
    }
}
