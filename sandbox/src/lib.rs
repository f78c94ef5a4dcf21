//! A local Discord-compatible server: REST API v10 and gateway, for bots and for people.
