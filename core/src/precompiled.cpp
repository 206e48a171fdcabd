// Holds the precompiled header (tsrec/torch.hpp) that every other target reuses; it has no code of
// its own.
