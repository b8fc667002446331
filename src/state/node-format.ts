/*
 * The bytes of a node, which are stored and which its name hashes. Integers are big-endian.
 *
 *   leaf       0x11, count u32, count × entry    up to LEAF_MAX entries; only the topmost node: else it is inline
 *   collision  0x13, count u32, count × entry    more than LEAF_MAX, only where the keys' paths are used up
 *   branch     0x12, entries beneath u32, named u16, inline u16,
 *              a name of 32 bytes for each bit of `named`,
 *              count u8 and count × entry for each bit of `inline`
 *   entry      type, state key, event ID; each as its length in bytes u16 and its UTF-8
 *
 * Bit i of `named` or `inline` (never of both) stands for slot i, and slots are written from 0 up. Entries that
 * stand together are in the order of `compareEntries`. The high half of the first byte is the version of the
 * format, 1; the low half keeps what is hashed apart (0x10 is a key, see key-path.ts). Every part says its own
 * length, so no two nodes share bytes.
 */

/** First byte of a leaf that is the topmost node. */
export const LEAF_TAG = 0x11;
/** First byte of a branch. */
export const BRANCH_TAG = 0x12;
/** First byte of entries whose keys have one hash. */
export const COLLISION_TAG = 0x13;
/** Bytes of a leaf or a collision before its entries. */
export const LEAF_HEADER = 5;
/** Bytes of a branch before the names. */
export const BRANCH_HEADER = 9;
/** Bytes of a name. */
export const NAME_BYTES = 32;
