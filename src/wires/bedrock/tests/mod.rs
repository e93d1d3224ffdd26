//! Each rule by its id, in the order of the list.
