//! Clock, sleep, random and the stop signal: the only home of the real ones.
