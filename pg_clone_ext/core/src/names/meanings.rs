//! What names mean besides tables: persons in a role, and quantities.

use super::words::{plain, snake};

/// Persons in a role, without separators.
const ROLES: &[&str] = &[
    "owner",
    "author",
    "assignee",
    "assignedto",
    "creator",
    "editor",
    "sender",
    "recipient",
    "receiver",
    "reviewer",
    "approver",
    "manager",
    "supervisor",
    "boss",
    "responsible",
    "requester",
    "requestor",
    "reporter",
    "reportsto",
    "actor",
    "agent",
    "inviter",
    "holder",
    "watcher",
    "follower",
    "subscriber",
    "moderator",
    "member",
    "person",
    "employee",
    "operator",
    "contact",
    "attendee",
    "participant",
    "signer",
    "seller",
    "buyer",
    "lead",
    "user",
    "bearbeiter",
    "ersteller",
    "besitzer",
    "autor",
    "verantwortliche",
    "verantwortlicher",
    "zuständig",
    "vorgesetzte",
    "vorgesetzter",
    "kunde",
    "mitarbeiter",
    "poster",
    "doer",
    "uploader",
    "submitter",
    "publisher",
    "committer",
    "commenter",
    "merger",
    "mergedby",
    "friend",
    "who",
    "whom",
    "whodunnit",
    "causer",
    "performer",
    "createdby",
    "updatedby",
    "modifiedby",
    "changedby",
    "deletedby",
    "closedby",
    "resolvedby",
    "lockedby",
    "uploadedby",
    "approvedby",
    "archivedby",
    "invitedby",
    "assignedby",
    "signedby",
    "sentby",
    "postedby",
    "enteredby",
    "editedby",
    "handledby",
    "ownedby",
    "checkedby",
    "requestedby",
    "reviewedby",
    "placedby",
];
const ROLE_ENDINGS: &[&str] = &[
    "", "s", "id", "ids", "sid", "sids", "no", "nr", "ref", "key", "fk",
];

/// Whether a name is that of a person in a role: `author`, `created_by`, `ownerid`.
pub fn names_person(name: &str) -> bool {
    let name = plain(name);
    let words = ROLE_ENDINGS.iter().filter_map(|ending| name.strip_suffix(ending));
    words
        .into_iter()
        .any(|word| ROLES.iter().any(|role| word.ends_with(role)))
}

/// The persons that a table's rows are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Persons {
    /// None.
    None = 0,
    /// Customers, contacts, students.
    Others = 1,
    /// Users and those who work for the tenant, who create and edit rows.
    Users = 2,
}

/// Whether a table of this word, in snake case, has persons as its rows.
pub fn has_persons(table_word: &str) -> Persons {
    match table_word.rsplit('_').next().unwrap_or_default() {
        "user" | "usr" | "member" | "person" | "people" | "profile" | "employee" | "staff" | "agent"
        | "mitarbeiter" | "benutzer" | "crew" | "operator" | "worker" | "doctor" | "nurse" | "teacher"
        | "driver" => Persons::Users,
        "contact" | "customer" | "client" | "kunde" | "account" | "partner" | "student" | "player"
        | "patient" | "guest" => Persons::Others,
        _ => Persons::None,
    }
}

/// Orders, sizes, amounts and states.
const QUANTITIES: &[&str] = &[
    "line",
    "page",
    "level",
    "rank",
    "order",
    "ordinal",
    "position",
    "pos",
    "place",
    "sort",
    "sorting",
    "step",
    "version",
    "revision",
    "rev",
    "priority",
    "status",
    "state",
    "type",
    "kind",
    "mode",
    "flag",
    "flags",
    "count",
    "counter",
    "size",
    "width",
    "height",
    "depth",
    "length",
    "day",
    "month",
    "year",
    "week",
    "hour",
    "minute",
    "second",
    "millis",
    "ms",
    "duration",
    "time",
    "timestamp",
    "at",
    "epoch",
    "row",
    "column",
    "col",
    "idx",
    "index",
    "seq",
    "sequence",
    "sequential",
    "serial",
    "friendly",
    "display",
    "stage",
    "phase",
    "severity",
    "visibility",
    "availability",
    "round",
    "part",
    "floor",
    "amount",
    "total",
    "sum",
    "qty",
    "quantity",
    "price",
    "cost",
    "fee",
    "tax",
    "rate",
    "percent",
    "pct",
    "discount",
    "balance",
    "budget",
    "salary",
    "point",
    "points",
    "score",
    "rating",
    "weight",
    "value",
    "val",
    "age",
    "zip",
    "postcode",
    "port",
    "retry",
    "retries",
    "attempt",
    "attempts",
    "limit",
    "min",
    "max",
    "avg",
    "capacity",
    "stock",
    "storage",
    "memory",
    "bytes",
    "views",
    "visits",
    "clicks",
    "hits",
    "likes",
    "progress",
    "lft",
    "rgt",
    "left",
    "right",
    "lat",
    "lng",
    "lon",
    "x",
    "y",
    "z",
    "n",
    "i",
    "no",
    "nr",
    "num",
    "number",
    "digit",
    "digits",
    "code",
    "cents",
    "pages",
    "unit",
    "units",
    "steps",
];

/// Whether a name is that of an order, a size, an amount or a state, such as `position` or `lock_version`: its numbers are equal to
/// keys by chance.
pub fn names_quantity(name: &str) -> bool {
    let name = snake(name);
    let last = name.rsplit('_').next().unwrap_or_default();
    let is = |word: &str| QUANTITIES.contains(&word);
    let birth = name.strip_suffix('s').unwrap_or(&name).ends_with("year_of_birth");
    is(last) || last.strip_suffix('s').is_some_and(is) || birth
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn persons_are_told_by_their_role() {
        for name in [
            "author",
            "created_by",
            "ownerid",
            "owner_ids",
            "CreatedBy",
            "team_lead",
            "Zuständig",
            "user_fk",
        ] {
            assert!(names_person(name), "{name}");
        }
        for name in ["title", "by", "userx", "standby", ""] {
            assert!(!names_person(name), "{name}");
        }
    }

    #[test]
    fn tables_have_persons() {
        assert_eq!(has_persons("app_user"), Persons::Users);
        assert_eq!(has_persons("customer"), Persons::Others);
        assert_eq!(has_persons("superuser"), Persons::None);
    }

    #[test]
    fn quantities_are_no_keys() {
        for name in [
            "position",
            "lock_version",
            "lineNo",
            "order_no",
            "year_of_birth",
            "Steps",
            "availability",
            "statuss",
            "x",
        ] {
            assert!(names_quantity(name), "{name}");
        }
        for name in ["customer", "reorder", "of_birth", "place_id", ""] {
            assert!(!names_quantity(name), "{name}");
        }
    }
}
