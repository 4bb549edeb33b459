//! The schemas of Medplum servers: versions, other definitions, and a small synthetic one.

mod shapes;
mod synthetic;
mod versions;
