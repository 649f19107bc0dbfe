"""Which options of a project's pytest are left out."""


# Options of a project that would change what is measured here, with the number of values that follow them: None means "one, unless
# the next word is an option".
DROPPED = {
    "--cov": None, "--cov-report": 1, "--cov-config": 1, "--cov-fail-under": 1, "--cov-context": 1, "--cov-precision": 1,
    "--cov-append": 0, "--cov-branch": 0, "--cov-reset": 0, "--no-cov": 0, "--no-cov-on-fail": 0,
    "-n": 1, "--numprocesses": 1, "--maxprocesses": 1, "--dist": 1, "--tx": 1, "-d": 0, "--boxed": 0, "--forked": 0,
    "--reruns": 1, "--reruns-delay": 1, "--only-rerun": 1, "--rerun-except": 1,
    "-x": 0, "--exitfirst": 0, "--maxfail": 1,
    "--randomly-seed": 1, "--randomly-dont-reset-seed": 0, "--randomly-dont-reorganize": 0, "--random-order": 0,
    "--random-order-bucket": 1, "--random-order-seed": 1,
    "--lf": 0, "--last-failed": 0, "--ff": 0, "--failed-first": 0, "--nf": 0, "--new-first": 0, "--sw": 0, "--stepwise": 0,
    "--pdb": 0, "--trace": 0, "--junitxml": 1, "--junit-xml": 1, "--html": 1, "--basetemp": 1,
}


def filtered(options):
    """A project's addopts without what would stop early, run in parallel, repeat, shuffle or measure coverage."""
    kept = []
    skip = 0
    for at, option in enumerate(options):
        if skip:
            skip -= 1
            continue
        name = option.split("=", 1)[0]
        if name in DROPPED:
            values = DROPPED[name]
            if "=" not in option:
                following = options[at + 1] if at + 1 < len(options) else "-"
                skip = (0 if following.startswith("-") else 1) if values is None else values
            continue
        if name.startswith("-n") and name[2:].isdigit():
            continue
        if name == "-p" and at + 1 < len(options) and options[at + 1].split(".")[0] in ("xdist", "randomly", "pytest_randomly"):
            skip = 1
            continue
        # Short flags that are written together, such as -xvs.
        if len(option) > 2 and option[0] == "-" and option[1] != "-" and set(option[1:]) <= set("xvqsl"):
            option = option.replace("x", "")
        kept.append(option)
    return kept
