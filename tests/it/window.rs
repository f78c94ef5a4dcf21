//! What a visitor does who opens the sandbox's page: the first minute, and the console for trouble.

mod story;
mod switches;
