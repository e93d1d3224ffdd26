//! What is said where a provider wants words and the conversation has none; the reference's words.

/// Said before a late system message that has to travel as the user's (ANT-02).
pub const OPERATOR_NOTE: &str = "Operator note (not from the user): the following was originally a mid-conversation system-role reminder.";

/// What is said when nobody said anything (ANT-05, BED-08, BED-09).
pub const CONTINUE: &str = "Please continue.";
