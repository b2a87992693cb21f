// A second implementation of feed.md, content.md and bundle.md, written from their text: it reads and checks everything
// that the vectors of these pages hold. Plain Node.js 18 or newer, WebCrypto, no package.
//
//   node verify.mjs [--json]     all vectors beside this file; --json prints each verdict as a line of JSON
//
// To use it elsewhere, import the functions: each returns what it found or throws a Refused with its code.

import { createDecipheriv, createHmac, createPrivateKey, createPublicKey } from "node:crypto";
import { diffieHellman, hkdfSync, webcrypto } from "node:crypto";
import { readFile, readdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import path from "node:path";

const subtle = webcrypto.subtle;

export class Refused extends Error {
  constructor(code, why) {
    super(`${code}: ${why}`);
    this.code = code;
  }
}

function refuse(code, why) {
  throw new Refused(code, why);
}

// --- Bytes ---

const hex = (bytes) => Buffer.from(bytes).toString("hex");
const unhex = (text) => new Uint8Array(Buffer.from(text, "hex"));
const ascii = (text) => new TextEncoder().encode(text);

function join(...parts) {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

function bigEndian(number, width) {
  const bytes = new Uint8Array(width);
  let rest = BigInt(number);
  for (let at = width - 1; at >= 0; at--) {
    bytes[at] = Number(rest & 255n);
    rest >>= 8n;
  }
  return bytes;
}

function littleEndian(bytes) {
  return BigInt("0x" + (hex(Uint8Array.from(bytes).reverse()) || "0"));
}

const compare = (a, b) => Buffer.compare(a, b);
const equal = (a, b) => compare(a, b) === 0;

async function sha256(...parts) {
  return new Uint8Array(await subtle.digest("SHA-256", join(...parts)));
}

// --- CBOR profile (content.md). Integers are BigInt, byte strings Uint8Array, maps Map. ---

const INT_MAX = 2n ** 63n - 1n;
const DEPTH_MAX = 8;

export function decode(bytes) {
  const wrong = (why) => refuse("entry.encoding", why);
  let at = 0;

  function take(count) {
    if (count > bytes.length - at) wrong("cut short"); // before anything is reserved
    at += count;
    return bytes.subarray(at - count, at);
  }

  function argument(info) {
    if (info < 24) return BigInt(info);
    if (info > 27) wrong("an indefinite length or a reserved form");
    const width = 1 << (info - 24);
    const number = BigInt("0x" + hex(take(width)));
    const least = width === 1 ? 24n : 1n << BigInt(4 * width);
    if (number < least) wrong("not the shortest form");
    return number;
  }

  function length(info) {
    const number = argument(info);
    if (number > BigInt(bytes.length - at)) wrong("a length beyond the end");
    return Number(number);
  }

  function text(info) {
    const raw = take(length(info));
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(raw);
    } catch {
      return wrong("not UTF-8");
    }
  }

  function value(depth) {
    const [first] = take(1);
    const info = first & 31;
    switch (first >> 5) {
      case 0:
      case 1: {
        const number = argument(info);
        const signed = first >> 5 ? -1n - number : number;
        if (signed > INT_MAX || signed < -INT_MAX) wrong("an integer outside ±(2^63-1)");
        return signed;
      }
      case 2:
        return take(length(info)).slice();
      case 3:
        return text(info);
      case 4: {
        if (depth === DEPTH_MAX) wrong("too deep");
        const items = [];
        for (let left = length(info); left > 0; left--) items.push(value(depth + 1));
        return items;
      }
      case 5: {
        if (depth === DEPTH_MAX) wrong("too deep");
        const map = new Map();
        let before = null;
        for (let left = length(info); left > 0; left--) {
          const start = at;
          if (bytes[at] >> 5 !== 3) wrong("a key that is no text");
          const [head] = take(1);
          const key = text(head & 31);
          const encoded = bytes.subarray(start, at);
          if (before !== null && compare(before, encoded) >= 0) wrong("keys unsorted, or one twice");
          before = encoded;
          map.set(key, value(depth + 1));
        }
        return map;
      }
      case 7:
        if (first === 0xf4) return false;
        if (first === 0xf5) return true;
        if (first === 0xf6) return null;
    }
    return wrong("a tag, a float or another simple value");
  }

  const decoded = value(0);
  if (at !== bytes.length) wrong("bytes left over");
  return decoded;
}

export function encode(value) {
  function head(major, number) {
    if (number < 24n) return Uint8Array.of((major << 5) | Number(number));
    for (const [info, width] of [[24, 1], [25, 2], [26, 4], [27, 8]]) {
      if (number < 1n << BigInt(8 * width)) return join(Uint8Array.of((major << 5) | info), bigEndian(number, width));
    }
    throw new RangeError("too large");
  }
  if (value === false) return Uint8Array.of(0xf4);
  if (value === true) return Uint8Array.of(0xf5);
  if (value === null) return Uint8Array.of(0xf6);
  if (typeof value === "bigint") return value < 0n ? head(1, -1n - value) : head(0, value);
  if (typeof value === "string") return join(head(3, BigInt(ascii(value).length)), ascii(value));
  if (value instanceof Uint8Array) return join(head(2, BigInt(value.length)), value);
  if (Array.isArray(value)) return join(head(4, BigInt(value.length)), ...value.map(encode));
  const pairs = [...value].map(([key, item]) => [encode(key), encode(item)]);
  pairs.sort((one, other) => compare(one[0], other[0]));
  return join(head(5, BigInt(pairs.length)), ...pairs.flat());
}

// --- Keys and signatures (feed.md) ---

const P = 2n ** 255n - 19n;
const L = 2n ** 252n + 27742317777372353535851937790883648493n;
const E = 0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n;
const REFUSED_Y = [0n, 1n, P - 1n, E, P - E];
const REFUSED_U = [
  0n,
  1n,
  P - 1n,
  0x00b8495f16056286fdb1329ceb8d09da6ac49ff1fae35616aeb8413b7c7aebe0n,
  0x57119fd0dd4e22d8868e1c58c45c44045bef839c55b1d0b1248c50a3bc959c5fn,
];

export function checkKey(key, code = "entry.key") {
  if (key.length !== 32) refuse(code, "a key has 32 bytes");
  const y = littleEndian(key) & (2n ** 255n - 1n);
  if (y >= P || REFUSED_Y.includes(y)) refuse(code, "a refused key");
}

export function checkBoxKey(key, code = "entry.key") {
  if (key.length !== 32) refuse(code, "a key has 32 bytes");
  const u = littleEndian(key);
  if (u >= P || REFUSED_U.includes(u)) refuse(code, "a refused key");
}

export async function verify(key, message, signature, trace, use) {
  checkKey(key);
  if (signature.length !== 64) refuse("entry.signature", "a signature has 64 bytes");
  if (littleEndian(signature.subarray(32)) >= L) refuse("entry.signature", "S is not below L");
  let holds = false;
  try {
    const loaded = await subtle.importKey("raw", key, { name: "Ed25519" }, false, ["verify"]);
    holds = await subtle.verify({ name: "Ed25519" }, loaded, signature, message);
  } catch {
    holds = false; // the key is no point of the curve
  }
  if (!holds) refuse("entry.signature", "it does not hold");
  trace?.push({ use, key: hex(key), message: hex(message), signature: hex(signature) });
}

const headMessage = (feed, seq, id) => join(ascii("p2pmicro head 1"), feed, bigEndian(seq, 8), id);
const revokeMessage = (feed, seq, id) => join(ascii("p2pmicro revoke 1"), feed, bigEndian(seq, 8), id);

// --- The chain (feed.md) ---

const SEQ_MAX = 4294967295;
const PAYLOAD_MAX = 8192;
const RANGE_BYTES_MAX = 1048576;
const pageEnd = (seq) => Math.ceil(seq / 64) * 64;
const genesis = (feed) => sha256(ascii("p2pmicro feed 1"), feed);

/** The id after each item; an item is a payload, or a hole {length, hash}. */
async function walk(beforeSeq, beforeId, items) {
  const ids = [];
  let seq = beforeSeq;
  let id = beforeId;
  for (const item of items) {
    seq += 1;
    const given = item instanceof Uint8Array;
    const hash = given ? await sha256(item) : item.hash;
    id = await sha256(id, bigEndian(seq, 8), bigEndian(item.length, 4), hash);
    ids.push(id);
  }
  return ids;
}

function checkSizes(items) {
  for (const item of items) {
    if (item.length < 1 || item.length > PAYLOAD_MAX) refuse("entry.size", "a payload has 1 to 8,192 bytes");
  }
}

// --- Wire forms (feed.md): shapes ---

const ill = (why) => refuse("entry.encoding", why);
const array = (value, count) => (Array.isArray(value) && value.length === count ? value : ill(`not an array of ${count}`));
const list = (value, low, high) =>
  Array.isArray(value) && value.length >= low && value.length <= high ? value : ill(`not ${low} to ${high} items`);
const fixed = (value, count) => (value instanceof Uint8Array && value.length === count ? value : ill(`not ${count} bytes`));
const seqFrom = (value, low) =>
  typeof value === "bigint" && value >= low && value <= SEQ_MAX ? Number(value) : ill("a seq out of its range");
const payloadOf = (value) => (value instanceof Uint8Array ? value : ill("a payload is a byte string"));

function holeOf(value) {
  const [length, hash] = array(value, 2);
  if (typeof length !== "bigint" || length < 0n) ill("not a length");
  return { length: Number(length), hash: fixed(hash, 32) };
}

function sideOf(value) {
  const [holes, signature] = array(value, 2);
  return { holes: list(holes, 1, 64).map(holeOf), signature: fixed(signature, 64) };
}

// --- Checks (feed.md) ---

export async function checkRange(value, end, trace) {
  const [rawFeed, rawSeq, rawId, rawItems, rawHeads] = array(value, 5);
  const feed = fixed(rawFeed, 32);
  const beforeSeq = seqFrom(rawSeq, 0);
  const beforeId = fixed(rawId, 32);
  const items = list(rawItems, 1, 2048).map((item) => (item instanceof Uint8Array ? item : holeOf(item)));
  const heads = list(rawHeads, 0, 2048).map((head) => {
    const [seq, signature] = array(head, 2);
    return { seq: seqFrom(seq, 1), signature: fixed(signature, 64) };
  });
  heads.forEach((head, at) => at > 0 && head.seq <= heads[at - 1].seq && ill("heads not in order"));

  checkSizes(items);
  const given = items.filter((item) => item instanceof Uint8Array);
  if (given.reduce((sum, item) => sum + item.length, 0) > RANGE_BYTES_MAX) refuse("entry.size", "over 1 MiB");

  const first = beforeSeq + 1;
  const last = beforeSeq + items.length;
  if (last > SEQ_MAX) refuse("entry.seq", "over the last seq");
  const needed = new Set(first === 1 ? [1] : []);
  for (let seq = pageEnd(first); seq <= last; seq += 64) needed.add(seq);
  if (end === undefined) needed.add(last);
  const present = new Set(heads.map((head) => head.seq));
  for (const seq of needed) if (!present.has(seq)) refuse("entry.seq", `no head at ${seq}`);
  for (const seq of present) if (!needed.has(seq) && seq !== last) refuse("entry.seq", `a head at ${seq}`);

  if (beforeSeq === 0 && !equal(beforeId, await genesis(feed))) refuse("entry.backlink", "not from id(0)");
  const ids = await walk(beforeSeq, beforeId, items);
  if (end !== undefined && !equal(ids.at(-1), end)) refuse("entry.backlink", "not the known entry");
  for (const { seq, signature } of heads) {
    await verify(feed, headMessage(feed, seq, ids[seq - first]), signature, trace, "head");
  }
  return { feed, first, last, ids, items };
}

export async function checkExcerpt(value, trace) {
  const [rawFeed, rawSeq, rawId, rawPayload, rawTail, rawSignature] = array(value, 6);
  const feed = fixed(rawFeed, 32);
  const beforeSeq = seqFrom(rawSeq, 0);
  const beforeId = fixed(rawId, 32);
  const items = [payloadOf(rawPayload), ...list(rawTail, 0, 63).map(holeOf)];
  const signature = fixed(rawSignature, 64);

  checkSizes(items);
  const seq = beforeSeq + 1;
  const last = beforeSeq + items.length;
  if (last > pageEnd(seq)) refuse("entry.size", "a tail that passes its page end");
  if (last > SEQ_MAX) refuse("entry.seq", "over the last seq");
  if (beforeSeq === 0 && !equal(beforeId, await genesis(feed))) refuse("entry.backlink", "not from id(0)");
  const ids = await walk(beforeSeq, beforeId, items);
  await verify(feed, headMessage(feed, last, ids.at(-1)), signature, trace, "head");
  return { feed, seq, id: ids[0], payload: items[0] };
}

export async function checkDeviceProof(value, wantedFeed, wantedAccount, trace) {
  const [rawPayload, rawSignature] = array(value, 2);
  const payload = payloadOf(rawPayload);
  const signature = fixed(rawSignature, 64);
  checkSizes([payload]);
  let entry;
  try {
    entry = readPayload(payload);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    refuse("entry.device", error.message);
  }
  if (entry.kind !== "device") refuse("entry.device", "another kind");
  const field = (key) => entry.content.get(key);
  const feed = field("feed");
  const account = field("account");
  if (wantedFeed && !equal(feed, wantedFeed)) refuse("entry.device", "another feed");
  if (wantedAccount && !equal(account, wantedAccount)) refuse("entry.device", "another account");
  const unsigned = new Map(entry.content);
  unsigned.delete("sig");
  const message = join(ascii("p2pmicro device 1"), await sha256(encode(unsigned)));
  await verify(account, message, field("sig"), trace, "device");
  const [id] = await walk(0, await genesis(feed), [payload]);
  await verify(feed, headMessage(feed, 1, id), signature, trace, "head");
  return { feed, account, device: field("device"), box: field("box"), gen: Number(field("gen")) };
}

export async function checkFork(value, trace) {
  const [rawFeed, rawSeq, rawId, ...rawSides] = array(value, 5);
  const feed = fixed(rawFeed, 32);
  const beforeSeq = seqFrom(rawSeq, 0);
  const beforeId = fixed(rawId, 32);
  const sides = rawSides.map(sideOf);
  const d = beforeSeq + 1;
  for (const { holes } of sides) {
    checkSizes(holes);
    if (beforeSeq + holes.length > pageEnd(d)) refuse("entry.size", "a side that passes its page end");
  }
  for (const { holes } of sides) if (beforeSeq + holes.length > SEQ_MAX) refuse("entry.seq", "over the last seq");
  if (d === 1 && !equal(beforeId, await genesis(feed))) refuse("entry.backlink", "not from id(0)");
  const walked = [];
  for (const { holes } of sides) walked.push(await walk(beforeSeq, beforeId, holes));
  if (compare(walked[0][0], walked[1][0]) >= 0) refuse("entry.fork", "one id, or in the wrong order");
  for (const [at, { holes, signature }] of sides.entries()) {
    await verify(feed, headMessage(feed, beforeSeq + holes.length, walked[at].at(-1)), signature, trace, "head");
  }
  return { feed, seq: d, ids: walked.map((ids) => ids[0]) };
}

export async function checkRevoke(value, account, trace) {
  const [rawFeed, rawSeq, rawId, rawSignature] = array(value, 4);
  const feed = fixed(rawFeed, 32);
  const seq = seqFrom(rawSeq, 1);
  const id = fixed(rawId, 32);
  await verify(account, revokeMessage(feed, seq, id), fixed(rawSignature, 64), trace, "revoke");
  return { feed, seq, id };
}

// --- Bundles (bundle.md) ---

const RECORD_MAX = 1179648;

/** Cut a file into its items, which are byte strings; one that is too large comes as null. */
function* recordsOf(bytes) {
  for (let at = 0; at < bytes.length; ) {
    if (bytes[at] < 0x40 || bytes[at] > 0x5b) ill("not a byte string");
    const info = bytes[at] - 0x40;
    const width = info < 24 ? 0 : 1 << (info - 24);
    if (at + 1 + width > bytes.length) ill("cut short");
    const length = width ? BigInt("0x" + hex(bytes.subarray(at + 1, at + 1 + width))) : BigInt(info);
    if (width && length < (width === 1 ? 24n : 1n << BigInt(4 * width))) ill("not the shortest form");
    at += 1 + width;
    if (length > BigInt(bytes.length - at)) ill("cut short");
    yield length > RECORD_MAX ? null : bytes.subarray(at, at + Number(length));
    at += Number(length);
  }
}

function bundleHeader(record) {
  if (record === null) ill("no header");
  const [magic, fields] = array(decode(record), 2);
  if (magic !== "p2pmicro bundle 1" || !(fields instanceof Map)) ill("no header");
  for (const key of fields.keys()) if (key.startsWith("!")) ill("a later version");
  const number = (key, low) =>
    typeof fields.get(key) === "bigint" && fields.get(key) >= low ? Number(fields.get(key)) : ill(`no ${key}`);
  const timeOrNull = (key) => (fields.get(key) === null ? null : number(key, -INT_MAX));
  const [made, feeds, entries] = [number("made", -INT_MAX), number("feeds", 0n), number("entries", 0n)];
  return { made, feeds, entries, first: timeOrNull("first"), last: timeOrNull("last") };
}

/** What a bundle holds, record by record; a record that is refused comes with its code, and stops nothing. */
export async function readBundle(bytes, trace) {
  let header = null;
  let device = null;
  const records = [];
  const ofFeed = (found) => (device && equal(found.feed, device.feed) ? found : refuse("entry.device", "no proof before it"));
  for (const record of recordsOf(bytes)) {
    if (header === null) {
      header = bundleHeader(record);
      continue;
    }
    try {
      if (record === null) refuse("entry.size", "a record is too large");
      const [type, value] = array(decode(record), 2);
      if (typeof type !== "bigint" || type < 0n) ill("no type");
      if (type === 0n) {
        device = null;
        device = await checkDeviceProof(value, undefined, undefined, trace);
        records.push(["device", formatFeed(device.feed), formatAccount(device.account)]);
      } else if (type === 1n) {
        const [feed] = array(value, 4);
        ofFeed({ feed: fixed(feed, 32) });
        records.push(["revoke", (await checkRevoke(value, device.account, trace)).seq]);
      } else if (type === 2n) {
        records.push(["fork", ofFeed(await checkFork(value, trace)).seq]);
      } else if (type === 3n) {
        const { first, last } = ofFeed(await checkRange(value, undefined, trace));
        records.push(["range", first, last]);
      } else if (type === 4n) {
        records.push(["excerpt", ofFeed(await checkExcerpt(value, trace)).seq]);
      } else if (type === 5n) {
        const { length } = payloadOf(value);
        if (length < 1 || length > 1048576) refuse("entry.size", "a picture has 1 byte to 1 MiB");
        records.push(["picture", hex(await sha256(value))]);
      }
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      records.push(["refused", error.code]);
    }
  }
  if (header === null) ill("an empty file");
  return { ...header, records };
}

// --- Payloads (content.md) ---

const no = (why) => refuse("entry.content", why);
export const codePoints = (text) => [...text].length;

const field = {
  integer: (low, high) => (value) =>
    (typeof value === "bigint" && value >= BigInt(low) && value <= BigInt(high)) || no(`not an integer from ${low} to ${high}`),
  text: (low, high) => (value) =>
    (typeof value === "string" && codePoints(value) >= low && codePoints(value) <= high) || no(`not ${low} to ${high} code points`),
  bytes: (count) => (value) => (value instanceof Uint8Array && value.length === count) || no(`not ${count} bytes`),
  boolean: (value) => typeof value === "boolean" || no("not a boolean"),
  key: (value) => (field.bytes(32)(value), checkKey(value, "entry.content")),
  boxKey: (value) => (field.bytes(32)(value), checkBoxKey(value, "entry.content")),
  list: (low, high) => (value) => (Array.isArray(value) && value.length >= low && value.length <= high) || no(`not ${low} to ${high} items`),
  rows: (width, countMax) => (value) => {
    if (!Array.isArray(value) || value.length > countMax) no(`not a list of at most ${countMax}`);
    for (const row of value) if (!Array.isArray(row) || row.length !== width) no(`not rows of ${width}`);
  },
  ref: (value) => {
    if (!Array.isArray(value) || value.length !== 3) no("a ref is [feed, seq, id]");
    field.key(value[0]);
    field.seq(value[1]);
    field.bytes(32)(value[2]);
  },
};
field.seq = field.integer(1, SEQ_MAX);
field.rev = field.integer(1, 2n ** 53n);

function must(content, key, check) {
  if (!content.has(key)) no(`no ${key}`);
  check(content.get(key));
}

function may(content, key, check) {
  if (content.has(key)) check(content.get(key));
}

function picture(value, bytesMax) {
  field.list(3, 3)(value);
  field.bytes(32)(value[0]);
  field.text(1, 40)(value[1]);
  field.integer(1, bytesMax)(value[2]);
}

function reaction(content) {
  must(content, "ref", field.ref);
  must(content, "on", field.boolean);
  must(content, "rev", field.rev);
}

const KINDS = {
  post(content) {
    must(content, "text", field.text(0, 140));
    may(content, "reply", (reply) => {
      if (!(reply instanceof Map)) no("a reply is a map");
      must(reply, "root", field.ref);
      must(reply, "parent", field.ref);
    });
    may(content, "quote", field.ref);
    may(content, "replaces", (refs) => {
      field.list(1, 16)(refs);
      refs.forEach(field.ref);
    });
    may(content, "mentions", (mentions) => {
      field.rows(3, 32)(mentions);
      const letters = codePoints(content.get("text"));
      let end = 0n;
      for (const [start, length, account] of mentions) {
        field.integer(end, letters)(start);
        field.integer(1, BigInt(letters) - start)(length);
        field.key(account);
        end = start + length;
      }
    });
    may(content, "lang", field.text(1, 35));
    may(content, "media", (rows) => {
      field.rows(4, 4)(rows);
      for (const [hash, type, bytes, alt] of rows) {
        picture([hash, type, bytes], 1 << 20);
        field.text(0, 400)(alt);
      }
    });
  },
  repost: reaction,
  like: reaction,
  sealed(content) {
    must(content, "salt", field.bytes(16));
    must(content, "commit", field.bytes(32));
    must(content, "slots", (slots) => {
      field.list(4, 64)(slots);
      if (![4, 8, 16, 32, 64].includes(slots.length)) no("a number of slots that tells something");
      slots.forEach(field.bytes(72));
    });
    must(content, "body", (body) => {
      if (!(body instanceof Uint8Array) || ![272, 1040, 2576].includes(body.length)) no("not a body");
    });
  },
  profile(content) {
    must(content, "rev", field.rev);
    must(content, "name", field.text(0, 50));
    may(content, "bio", field.text(0, 500));
    may(content, "link", (link) => {
      field.text(0, 256)(link);
      if (!link.startsWith("https://") && !link.startsWith("http://")) no("not a link");
    });
    may(content, "avatar", (avatar) => picture(avatar, 256 << 10));
    may(content, "pin", (refs) => {
      if (!Array.isArray(refs) || refs.length < 1 || refs.length > 5) no("1 to 5 refs");
      refs.forEach(field.ref);
    });
  },
  follow(content) {
    must(content, "account", field.key);
    must(content, "on", field.boolean);
    must(content, "rev", field.rev);
  },
  follows(content) {
    must(content, "parts", field.integer(1, 500));
    must(content, "part", field.integer(0, content.get("parts") - 1n));
    must(content, "list", (rows) => {
      field.rows(3, 200)(rows);
      for (const [account, rev, on] of rows) {
        field.key(account);
        field.rev(rev);
        field.boolean(on);
      }
    });
  },
  delete(content) {
    must(content, "ref", field.ref);
  },
  device(content) {
    must(content, "feed", field.key);
    must(content, "account", field.key);
    must(content, "device", field.boxKey);
    must(content, "box", field.boxKey);
    must(content, "gen", field.integer(0, 2 ** 32 - 1));
    must(content, "sig", field.bytes(64));
  },
  revoke(content) {
    must(content, "feed", field.key);
    must(content, "seq", field.seq);
    must(content, "id", field.bytes(32));
    must(content, "sig", field.bytes(64));
  },
};

export function readPayload(bytes) {
  const value = decode(bytes);
  if (!Array.isArray(value) || value.length !== 3) no("a payload is [time_ms, kind, content]");
  const [timeMs, kind, content] = value;
  if (typeof timeMs !== "bigint" || typeof kind !== "string" || !(content instanceof Map)) no("not an integer, a text, a map");
  if (!Object.hasOwn(KINDS, kind)) no("an unknown kind");
  for (const key of content.keys()) if (key.startsWith("!")) no("an unknown critical key");
  KINDS[kind](content);
  return { timeMs, kind, content };
}

// --- Sealed entries (content.md, "Sealing") ---

const hkdf = (secret, salt, info, length) => new Uint8Array(hkdfSync("sha256", secret, salt, info, length));
const hmac = (key, ...parts) => new Uint8Array(createHmac("sha256", key).update(join(...parts)).digest());

/** ChaCha20-Poly1305 (RFC 8439); null where it does not authenticate. */
function openAead(key, nonce, sealed, aad) {
  const cipher = createDecipheriv("chacha20-poly1305", key, nonce, { authTagLength: 16 });
  cipher.setAAD(aad, { plaintextLength: sealed.length - 16 });
  cipher.setAuthTag(sealed.slice(-16));
  const plain = cipher.update(sealed.slice(0, -16));
  try {
    cipher.final();
  } catch {
    return null;
  }
  return new Uint8Array(plain);
}

/** X25519 (RFC 7748); null where the other key is of small order. */
function exchange(secret, other) {
  const around = unhex("302e020100300506032b656e04220420"); // RFC 8410, as in `publicKey`
  const spki = unhex("302a300506032b656e032100");
  try {
    const privateKey = createPrivateKey({ key: Buffer.from(join(around, secret)), format: "der", type: "pkcs8" });
    const publicKey = createPublicKey({ key: Buffer.from(join(spki, other)), format: "der", type: "spki" });
    const shared = new Uint8Array(diffieHellman({ privateKey, publicKey }));
    return shared.every((byte) => byte === 0) ? null : shared;
  } catch {
    return null;
  }
}

/** HPKE (RFC 9180), base mode, one message: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20-Poly1305. */
function openHpke(sealed, secret, ownPublic, info) {
  const enc = sealed.slice(0, 32);
  const shared = exchange(secret, enc);
  if (shared === null) return null;
  const version = ascii("HPKE-v1");
  const kem = join(ascii("KEM"), unhex("0020"));
  const suite = join(ascii("HPKE"), unhex("002000010003"));
  const extract = (of, salt, label, value) => hmac(salt.length ? salt : new Uint8Array(32), version, of, ascii(label), value);
  const expand = (of, from, label, about, length) =>
    hmac(from, bigEndian(length, 2), version, of, ascii(label), about, Uint8Array.of(1)).slice(0, length);
  const none = new Uint8Array(0);
  const eae = extract(kem, none, "eae_prk", shared);
  const agreed = expand(kem, eae, "shared_secret", join(enc, ownPublic), 32);
  const about = join(Uint8Array.of(0), extract(suite, none, "psk_id_hash", none), extract(suite, none, "info_hash", info));
  const key = extract(suite, agreed, "secret", none);
  return openAead(expand(suite, key, "key", about, 32), expand(suite, key, "base_nonce", about, 12), sealed.slice(32), none);
}

const SEALED_KINDS = {
  post(content) {
    const media = content.get("media");
    KINDS.post(new Map([...content].filter(([key]) => key !== "media")));
    may(content, "media", () => {
      field.rows(5, 4)(media);
      for (const [hash, type, bytes, alt, key] of media) {
        picture([hash, type, bytes], 1 << 20);
        field.text(0, 400)(alt);
        field.bytes(32)(key);
      }
    });
    may(content, "key", field.bytes(32));
    may(content, "to", (people) => {
      field.list(1, 16)(people);
      people.forEach(field.key);
    });
    may(content, "circle", field.bytes(16));
  },
  like: reaction,
  "circle-key"(content) {
    must(content, "circle", field.bytes(16));
    must(content, "gen", field.integer(0, 2 ** 32 - 1));
    must(content, "key", field.bytes(32));
  },
  state(content) {
    must(content, "items", (items) => {
      field.rows(4, 64)(items);
      for (const [name, item, rev] of items) {
        field.text(1, 20)(name);
        if (!(item instanceof Uint8Array) || item.length > 600) no("not what a state is of");
        field.rev(rev);
      }
    });
  },
};

export function readOpened(plain) {
  const value = decode(plain);
  if (!Array.isArray(value) || value.length !== 2) no("what is sealed is [kind, content]");
  const [kind, content] = value;
  if (typeof kind !== "string" || !(content instanceof Map) || !Object.hasOwn(SEALED_KINDS, kind)) no("an unknown kind");
  for (const key of content.keys()) if (key.startsWith("!")) no("an unknown critical key");
  SEALED_KINDS[kind](content);
  return { kind, content };
}

/** Open the content of a sealed entry: what was inside and which key found it ("box" or a secret), or null. */
export async function openSealed(content, account, feed, boxes, secrets, trace = []) {
  const [salt, commit, slots, body] = ["salt", "commit", "slots", "body"].map((name) => content.get(name));
  const bound = join(account, feed, salt, commit);
  const info = join(ascii("p2pmicro slot 1"), bound);
  const keys = [];
  for (const secret of secrets) {
    const tag = (await sha256(secret, salt)).slice(0, 8);
    const slot = slots.find((one) => equal(one.slice(0, 8), tag));
    if (slot === undefined) continue;
    const key = openHpke(slot.slice(8), secret, await publicKey("X25519", secret), info);
    if (key !== null) keys.push([key, hex(secret)]);
    break; // the newest whose tag is there, and no other
  }
  for (const box of boxes) {
    const own = await publicKey("X25519", box);
    for (const slot of slots) {
      const key = openHpke(slot.slice(8), box, own, info);
      if (key !== null) keys.push([key, "box"]);
    }
  }
  if (!keys.length) return null;
  const [key, by] = keys[0];
  const derived = hkdf(key, salt, ascii("p2pmicro sealed 1"), 64);
  if (!equal(derived.slice(32), commit)) return null;
  const padded = openAead(derived.slice(0, 32), new Uint8Array(12), body, join(ascii("p2pmicro sealed 1"), bound));
  if (padded === null) return null;
  const end = 2 + padded[0] * 256 + padded[1];
  if (end > padded.length || padded.slice(end).some((byte) => byte !== 0)) return null;
  if (padded.length !== [256, 1024, 2560].find((size) => size >= end)) return null;
  const plain = padded.slice(2, end);
  trace.push({ plain, content_key: key, body_key: derived.slice(0, 32), commit, bound, padded });
  return { plain, by };
}

// --- Text (content.md) ---

const DIGITS = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

export function formatFeed(key) {
  let number = BigInt("0xed01" + hex(key));
  let digits = "";
  for (; number > 0n; number /= 58n) digits = DIGITS[Number(number % 58n)] + digits;
  return "z" + digits;
}

export const formatAccount = (key) => "did:key:" + formatFeed(key);

export function parseFeed(text) {
  const wrong = () => refuse("local", "not a feed");
  if (!/^z[1-9A-HJ-NP-Za-km-z]{47}$/.test(text) || text.length !== 48) wrong();
  let number = 0n;
  for (const letter of text.slice(1)) number = number * 58n + BigInt(DIGITS.indexOf(letter));
  if (number >> 256n !== 0xed01n) wrong();
  return bigEndian(number & (2n ** 256n - 1n), 32);
}

export function parseAccount(text) {
  if (!text.startsWith("did:key:")) refuse("local", "not an account");
  return parseFeed(text.slice(8));
}

export function parseRef(text) {
  const match = /^([^/]*)\/([1-9][0-9]{0,9})$/.exec(text);
  if (!match || match[0].length !== text.length || Number(match[2]) > SEQ_MAX) refuse("local", "not a ref");
  return { feed: parseFeed(match[1]), seq: Number(match[2]) };
}

export function prepareText(typed) {
  const text = typed.replaceAll("\r\n", "\n").normalize("NFC");
  const wrong = (why) => refuse("local.text", why);
  if (/^\p{White_Space}*$/u.test(text)) wrong("empty");
  if (codePoints(text) > 140) wrong("too long");
  if (/(?!\n)\p{Cc}/u.test(text)) wrong("a control character");
  if (/\p{Cs}/u.test(text)) wrong("half of a surrogate pair");
  return text;
}

// --- Tags (content.md) ---

const JOINERS = "\\u00b7\\u0387\\u058a\\u05f3\\u05f4\\u0f0b\\u200c\\u200d\\u30a0\\u30fb\\uff65";
const WORD = `[\\p{L}\\p{Nl}\\p{Nd}_][\\p{L}\\p{Nl}\\p{Nd}\\p{M}_${JOINERS}]*`;
const UNSEEN =
  /[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u200c\u200d\u3164\ufe00-\ufe0f\uffa0\u{e0100}-\u{e01ef}]/gu;

/** Each tag of a text as it was typed and as it is matched. */
export function findTags(text) {
  const found = [];
  const plain = text.replace(/https?:\/\/\P{White_Space}*/gu, (link) => " ".repeat([...link].length));
  const before = `(?<![\\p{L}\\p{Nl}\\p{Nd}\\p{M}_&/#\\uff03${JOINERS}])`;
  for (const [, run] of plain.matchAll(new RegExp(`${before}[#\\uff03](${WORD})`, "gu"))) {
    const word = run.replace(new RegExp(`[${JOINERS}]+$`, "u"), "");
    if (/[\p{L}\p{Nl}]/u.test(word.replace(UNSEEN, ""))) found.push([word, foldTag(word)]);
  }
  return found;
}

/** JavaScript has no case folding; upper and then lower case is the same but for a few letters. */
const foldCase = (text) => text.toUpperCase().toLowerCase().replaceAll("\u03c2", "\u03c3");
const foldTag = (word) => foldCase(foldCase(word.normalize("NFD")).normalize("NFKC")).normalize("NFKC").replace(UNSEEN, "");

// --- Account (feed.md) ---

export async function deriveSecret(seed, info) {
  const loaded = await subtle.importKey("raw", seed, "HKDF", false, ["deriveBits"]);
  const how = { name: "HKDF", hash: "SHA-256", salt: ascii("p2pmicro seed 1"), info };
  return new Uint8Array(await subtle.deriveBits(how, loaded, 256));
}

export async function publicKey(name, secret) {
  // RFC 8410: the bytes around a private key in PKCS #8; its last byte tells Ed25519 (112) from X25519 (110).
  const around = join(unhex("302e020100300506032b65"), Uint8Array.of(name === "Ed25519" ? 112 : 110), unhex("04220420"));
  const uses = name === "Ed25519" ? ["sign"] : ["deriveBits"];
  const loaded = await subtle.importKey("pkcs8", join(around, secret), { name }, true, uses);
  return new Uint8Array(Buffer.from((await subtle.exportKey("jwk", loaded)).x, "base64url"));
}

// --- The vectors ---

function rendered(value) {
  if (typeof value === "bigint") {
    const small = value <= BigInt(Number.MAX_SAFE_INTEGER) && value >= -BigInt(Number.MAX_SAFE_INTEGER);
    return small ? Number(value) : { int: String(value) };
  }
  if (value instanceof Uint8Array) return { bytes: hex(value) };
  if (Array.isArray(value)) return value.map(rendered);
  if (value instanceof Map) return { map: [...value].map(([key, item]) => [key, rendered(item)]) };
  return value;
}

function verdicts(items) {
  const runs = [];
  for (const item of items) {
    let verdict = "hole";
    if (item instanceof Uint8Array) {
      try {
        readPayload(item);
        verdict = "ok";
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        verdict = error.code;
      }
    }
    if (runs.length && runs.at(-1)[0] === verdict) runs.at(-1)[1] += 1;
    else runs.push([verdict, 1]);
  }
  return runs;
}

const CHECKS = {
  cbor: (bytes) => {
    const value = decode(bytes);
    if (!equal(encode(value), bytes)) throw new Error("encoded again, it differs");
    return rendered(value);
  },
  key: (bytes, given) => {
    if (given.key === "x25519") {
      checkBoxKey(bytes);
      return { box: hex(bytes) };
    }
    checkKey(bytes);
    return { feed: formatFeed(bytes), account: formatAccount(bytes) };
  },
  signature: async (bytes, given) => {
    await verify(unhex(given.key), unhex(given.message), bytes);
    return null;
  },
  text: (bytes, given) => {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    if (given.form === "feed") return hex(parseFeed(text));
    if (given.form === "account") return hex(parseAccount(text));
    if (given.form === "message") return prepareText(text);
    if (given.form === "tags") return findTags(text);
    const { feed, seq } = parseRef(text);
    return { feed: formatFeed(feed), seq };
  },
  entry: (bytes) => {
    const { timeMs, kind, content } = readPayload(bytes);
    return { time_ms: rendered(timeMs), kind, content: rendered(content) };
  },
  sealed: async (bytes, given, trace) => {
    const content = decode(bytes);
    KINDS.sealed(content);
    const [boxes, secrets] = [given.boxes.map(unhex), given.secrets.map(unhex)];
    const found = await openSealed(content, parseAccount(given.account), parseFeed(given.feed), boxes, secrets, trace);
    if (found === null) return { opened: false };
    try {
      const { kind, content: inside } = readOpened(found.plain);
      return { opened: true, by: found.by, inside: "ok", kind, content: rendered(inside) };
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      return { opened: true, by: found.by, inside: error.code };
    }
  },
  range: async (bytes, given, trace) => {
    const { feed, first, last, ids, items } = await checkRange(decode(bytes), given.end && unhex(given.end), trace);
    const [first_id, last_id] = [hex(ids[0]), hex(ids.at(-1))];
    return { feed: formatFeed(feed), first, last, first_id, last_id, entries: verdicts(items) };
  },
  excerpt: async (bytes, given, trace) => {
    const { feed, seq, id, payload } = await checkExcerpt(decode(bytes), trace);
    return { feed: formatFeed(feed), seq, id: hex(id), entries: verdicts([payload]) };
  },
  device: async (bytes, given, trace) => {
    const feed = given.feed && parseFeed(given.feed);
    const found = await checkDeviceProof(decode(bytes), feed, given.account && parseAccount(given.account), trace);
    const [device, box] = [hex(found.device), hex(found.box)];
    return { feed: formatFeed(found.feed), account: formatAccount(found.account), device, box, gen: found.gen };
  },
  fork: async (bytes, given, trace) => {
    const { feed, seq, ids } = await checkFork(decode(bytes), trace);
    return { feed: formatFeed(feed), seq, ids: ids.map(hex) };
  },
  bundle: (bytes, given, trace) => readBundle(bytes, trace),
  revoke: async (bytes, given, trace) => {
    const { feed, seq, id } = await checkRevoke(decode(bytes), parseAccount(given.account), trace);
    return { feed: formatFeed(feed), seq, id: hex(id) };
  },
};

function bytesOf(written) {
  if (typeof written === "string") return unhex(written);
  return join(...written.map((part) => unhex(typeof part === "string" ? part : part[0].repeat(part[1]))));
}

/** Run one vector; the empty string, or what is wrong. */
async function judge(check, vector) {
  const trace = [];
  let found;
  try {
    found = await check(bytesOf(vector.hex), vector.given ?? {}, trace);
  } catch (error) {
    if (!(error instanceof Refused)) return `failed: ${error.stack}`;
    return error.code === vector.expect ? "" : `wanted ${vector.expect}, and got ${error.message}`;
  }
  if (vector.expect !== "ok") return `wanted ${vector.expect}, and it was accepted`;
  if (JSON.stringify(found) !== JSON.stringify(vector.decoded)) return `found ${JSON.stringify(found)}`;
  for (const signed of vector.signed ?? []) {
    if (!trace.some((made) => JSON.stringify(made) === JSON.stringify(signed))) return `did not verify ${signed.message}`;
  }
  for (const [step, written] of Object.entries(vector.sealed ?? {})) {
    if (hex(trace[0][step]) !== written) return `${step} is ${hex(trace[0][step])}`;
  }
  return "";
}

async function judgeKeys(known) {
  const differs = [];
  const same = (what, made, written) => made === written || differs.push(`${what} is ${made}`);
  for (const account of known.accounts) {
    const seed = unhex(account.seed);
    const secret = await deriveSecret(seed, ascii("p2pmicro account 1"));
    same(`${account.name}'s secret`, hex(secret), account.secret);
    const key = await publicKey("Ed25519", secret);
    same(`${account.name}'s key`, hex(key), account.public);
    same(`${account.name}'s text`, formatAccount(key), account.text);
    for (const box of account.box) {
      const boxSecret = await deriveSecret(seed, join(ascii("p2pmicro box 1"), bigEndian(box.generation, 4)));
      same(`${account.name}'s box secret`, hex(boxSecret), box.secret);
      same(`${account.name}'s box key`, hex(await publicKey("X25519", boxSecret)), box.public);
    }
  }
  for (const feed of known.feeds) {
    const key = await publicKey("Ed25519", unhex(feed.secret));
    same(`${feed.name}'s key`, hex(key), feed.public);
    same(`${feed.name}'s text`, formatFeed(key), feed.text);
  }
  for (const device of known.devices) {
    same(`${device.name}'s key`, hex(await publicKey("X25519", unhex(device.secret))), device.public);
  }
  for (const one of known.elements) {
    const whole = await sha256(unhex(one.salt), [one.scope], unhex(one.name));
    same(`element ${one.scope}`, hex(whole.slice(0, 16)), one.element);
  }
  return differs.join("; ");
}

async function main() {
  const folder = path.dirname(fileURLToPath(import.meta.url));
  const load = async (...names) => JSON.parse(await readFile(path.join(folder, ...names), "utf8"));
  const results = [["keys.json", await judgeKeys(await load("keys.json"))]];
  for (const [name, check] of Object.entries(CHECKS)) {
    const files = (await readdir(path.join(folder, name))).filter((file) => file.endsWith(".json")).sort();
    if (!files.length) results.push([name, "an empty folder"]);
    for (const file of files) results.push([`${name}/${file.slice(0, -5)}`, await judge(check, await load(name, file))]);
  }
  const wrong = results.filter(([, fault]) => fault);
  if (process.argv.includes("--json")) {
    for (const [name, fault] of results) console.log(JSON.stringify({ name, fault }));
  } else {
    for (const [name, fault] of wrong) console.log(`${name}: ${fault}`);
    console.log(`${results.length - wrong.length} of ${results.length} as the text says`);
  }
  process.exitCode = wrong.length ? 1 : 0;
}

if (process.argv[1] && path.resolve(process.argv[1]) === fileURLToPath(import.meta.url)) await main();
