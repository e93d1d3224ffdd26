//! The gateway over real HTTP.
