//! The schemas of Medplum servers: their versions, other shapes, and a small one that is made here.

mod shapes;
mod synthetic;
mod versions;
