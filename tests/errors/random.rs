//! Nothing that anybody can write makes the reader panic or take for ever.
