use super::Refused;

/// The fields before the file, and what is known of the file before its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Form {
    /// Names as they were sent and values, in their order.
    pub fields: Vec<(String, String)>,
    /// The file's part.
    pub file: File,
}

/// What a form says of its file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct File {
    /// Its name without any path.
    pub name: Option<String>,
    /// The type in its part; a field `Content-Type` counts before it.
    pub content_type: Option<String>,
}

/// Stands for the file's name in a key.
const NAME: &str = "${filename}";

impl Form {
    /// The value of the first field of this name; case does not matter.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.values(name).next()
    }

    /// The values of all fields of this name.
    pub(super) fn values<'a, 'n>(&'a self, name: &'n str) -> impl Iterator<Item = &'a str> + use<'a, 'n> {
        let named = move |(known, _): &&(String, String)| known.eq_ignore_ascii_case(name);
        self.fields.iter().filter(named).map(|(_, value)| value.as_str())
    }

    /// The key of the object, which each form must have.
    pub fn key(&self) -> Result<&str, Refused> {
        self.field("key").ok_or(Refused::Missing("key"))
    }

    /// Puts the file's name into the key, where the key asks for it; a file without a name leaves the key as it is.
    pub(super) fn expand(&mut self) {
        let Some(name) = &self.file.name else { return };
        for (field, value) in &mut self.fields {
            if field.eq_ignore_ascii_case("key") && value.contains(NAME) {
                *value = value.replace(NAME, name);
            }
        }
    }
}
