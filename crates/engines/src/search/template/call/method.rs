//! Which methods built-in types have.

/// Methods of built-in types.
pub fn methods_of(owner: &str) -> &'static [&'static str] {
    match owner {
        "list" => &[
            "append", "extend", "insert", "remove", "pop", "sort", "reverse", "index", "count", "copy", "clear",
        ],
        "dict" => &[
            "get",
            "items",
            "keys",
            "values",
            "pop",
            "update",
            "setdefault",
            "copy",
            "clear",
        ],
        "set" => &[
            "add",
            "update",
            "discard",
            "remove",
            "pop",
            "union",
            "difference",
            "intersection",
            "copy",
        ],
        "tuple" => &["index", "count"],
        "str" => &[
            "lower",
            "upper",
            "strip",
            "split",
            "join",
            "replace",
            "startswith",
            "endswith",
            "format",
            "encode",
            "title",
            "find",
            "splitlines",
            "removeprefix",
            "removesuffix",
            "isdigit",
        ],
        "bytes" => &["decode", "split", "strip"],
        "datetime" | "datetime.datetime" => &[
            "date",
            "time",
            "isoformat",
            "strftime",
            "replace",
            "timestamp",
            "weekday",
            "astimezone",
        ],
        "date" | "datetime.date" => &[
            "isoformat",
            "strftime",
            "replace",
            "weekday",
            "isoweekday",
            "year",
            "month",
            "day",
        ],
        "timedelta" | "datetime.timedelta" => &["days", "seconds", "total_seconds"],
        "deque" | "collections.deque" => &["append", "appendleft", "pop", "popleft", "extend"],
        _ => &[],
    }
}

/// Whether some built-in type has a method of this name.
pub fn is_builtin_method(name: &str) -> bool {
    ["list", "dict", "set", "str", "deque"]
        .iter()
        .any(|owner| methods_of(owner).contains(&name))
}
