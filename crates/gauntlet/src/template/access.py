"""Who may enter."""


def may_enter(age, banned):
    if banned:
        return False
    return age >= LARGER  # right
