"""Every number that the protocol or a node fixes, with its unit and what breaks above and below it."""

# --- The log (protocol/feed.md) ---
PAYLOAD_MAX_BYTES = 8192  # a full `follows` part (200 accounts) fits; above, one entry could crowd out a page
PAGE_ENTRIES = 64  # a head each: smaller costs signatures, larger makes an excerpt longer
RANGE_MAX_BYTES = 1 << 20  # bytes of payloads in one range: a range fits a frame
RANGE_MAX_ENTRIES = 2048  # hash-only items are small: without it one frame could hold 20,000 steps of work
SEQ_MAX = 2**32 - 1  # a row's key is feed << 32 | seq in 63 bits; at one entry a second it lasts 136 years
EXCERPT_TAIL_MAX = PAGE_ENTRIES - 1  # entries from one to the next page end
FORK_SIDE_MAX = PAGE_ENTRIES  # entries from d to the next head
FEEDS_PER_ACCOUNT_MAX = 32  # a node's own fetch budget, not a rule of validity

# --- CBOR profile and content (protocol/content.md) ---
CBOR_DEPTH_MAX = 8  # nested arrays and maps; the deepest kind uses 4
INT_MAX = 2**63 - 1  # what every language and SQLite hold
TEXT_MAX_CODE_POINTS = 140  # the message
NAME_MAX_CODE_POINTS = 50  # a profile's name
BIO_MAX_CODE_POINTS = 500
LINK_MAX_CODE_POINTS = 256
MENTIONS_MAX = 32  # more than 140 code points can name in earnest
LANG_MAX_CODE_POINTS = 35  # RFC 5646 section 4.4.1: the length that every reader must take
FOLLOWS_PART_MAX = 200  # 200 accounts with rev and state fit a payload
FOLLOWS_PARTS_MAX = 500  # 100,000 accounts: more than anybody follows in earnest
REV_MAX = 2**53  # exact in JavaScript too
REPLACES_MAX = 16  # earlier wordings of a message: their answers stay with it
PINS_MAX = 5  # messages that a person has at the top of their page
PICTURES_MAX = 4  # of a message
PICTURE_MAX_BYTES = 1 << 20  # one fits a frame
AVATAR_MAX_BYTES = 256 << 10
PICTURE_SIDE_MAX = 16_384  # pixels: what graphics cards and WebP have room for
PICTURE_PIXELS_MAX = 40_000_000  # of one frame: 160 MB where it is shown
PICTURE_FRAMES_MAX = 1000  # of an animation
PICTURE_FRAME_PIXELS_MAX = 400_000_000  # of all frames together: some seconds of work to show
ALT_MAX_CODE_POINTS = 400  # four of them with a full message fit a payload in most scripts
MEDIA_TYPE_MAX_CODE_POINTS = 40  # as in image/png
SEALED_SLOTS = (4, 8, 16, 32, 64)  # one is always one's own; the number tells little of how many can read
SEALED_TAG_BYTES = 8
SEALED_SLOT_BYTES = 72  # a tag, and HPKE's key and ciphertext of a content key of 16 bytes
SEALED_BODY_BYTES = (256, 1024, 2560)  # before its tag; 64 slots and the largest fit a payload
REPLY_KEYS_MAX = 1024  # of the newest messages: each costs a hash at every sealed entry that comes
RECIPIENTS_NAMED_MAX = 16  # accounts that a sealed message names to its readers
STATE_ITEMS_MAX = 64  # of one sealed entry
STATE_ITEM_MAX_BYTES = 600  # a muted word of 140 code points
STATE_NAME_MAX_CODE_POINTS = 20
SNAPSHOT_EVERY_ENTRIES = 1024  # a profile and follows snapshot at least this often, so that a short run has them

# --- Sessions (protocol/sync.md) ---
PROTOCOL_VERSION = 1
FRAME_MAX_BYTES = (1 << 20) + (1 << 17)  # a range of RANGE_MAX_BYTES with its heads and headers
HELLO_MAX_BYTES = 2048  # the first frame of a stranger: nothing large is buffered for one
UNSENT_MAX_BYTES = 256 << 10  # production for a peer stops above this
WANT_OUTSTANDING_MAX_BYTES = 1 << 20  # estimated bytes of ranges asked for and not yet come, a peer
FETCH_STEP_ENTRIES = 1024  # of one backward want: 16 pages, some 270 kB, so that a range is a few ms of work
FETCH_QUEUED_MAX_BYTES = 4 << 20  # ranges of a peer that have come or are asked for, and are not yet stored
UNASKED_QUEUED_MAX_BYTES = 1 << 20  # what a peer sent unasked and is not yet stored: above, nothing more is read of it
ASKS_QUEUED_MAX = 256  # a peer's questions for ids that wait for an answer here: the session ends above
WANT_MAX_ITEMS = 64  # wants in one message
GIVEN_STORE_TIMES_MAX = 3  # what one session may be given, by what the store holds: an honest peer asks once
GIVEN_SLACK_BYTES = 8 << 20  # and this; a question for ids costs as much as ASK_IDS_BYTES
ASK_IDS_BYTES = 16 << 10
WANT_QUEUE_MAX = 256  # wants of a peer that wait for an answer here
HAVE_MAX_ITEMS = 256  # items in one message: 256 with proofs are under 160 KiB
ASK_MAX_ITEMS = 64  # refs asked for in one message: 5 kB
ASK_QUEUE_MAX = 256  # refs that a peer asks for and that wait for an answer here
ASKS_OUTSTANDING_MAX = 64  # refs that one peer is asked for at once: some 200 kB of excerpts
ASKS_PLANNED_MAX = 4096  # refs that one peer is asked for after one look at what is wanted, the newest
ASKS_MISSED_MAX = 1024  # refs that a peer asked for in vain, and of which it is told when they come
ASK_COST_BYTES = 1024  # what an ask in vain counts to what a session may be given
DELETES_TOLD_MAX = 4096  # deletes a session of which a node remembers that the peer knows them
IDS_MAX = 64  # ids in one message
MEDIA_WANT_MAX_ITEMS = 16  # pictures asked for in one message
MEDIA_QUEUE_MAX = 64  # of a peer that wait for an answer here: the session ends above
MEDIA_OUTSTANDING_MAX = 4  # pictures asked of a peer and not yet come; together 1 MiB, as far as is known
MEDIA_LACKED_MAX = 64  # who lacked so many in a session is asked in it only for what people choose
INTEREST_MAX_KNOWN = 131_072  # elements kept for a known peer: 2 MiB
INTEREST_MAX_STRANGER = 4096
INTEREST_CHUNK = 16_384  # elements in one message: 272 KiB
HANDSHAKE_TIMEOUT_S = 5.0
FRAME_TIMEOUT_S = 10.0  # plus size / FRAME_MIN_RATE
FRAME_MIN_RATE = 16_000  # bytes a second: an honest 128 kbit/s link syncs
PING_AFTER_S = 60.0
STALL_TIMEOUT_S = 30.0  # unsent bytes, an awaited answer or a ping without progress
FRONTIER_NOTE_EVERY_S = 1.0  # an empty `have` after pushes, at most this often
TOLD_FEEDS_MAX = 16_384  # feeds a session of which a node remembers what the peer knows: some 4 MB
SESSIONS_MAX = 8
SESSIONS_OURS_MIN = 2  # places kept for peers that this node dialled or that are followed
HALF_OPEN_MAX = 8
HALF_OPEN_PER_ADDRESS_MAX = 4

# --- Meeting (protocol/discovery.md) ---
ANNOUNCED_MAX = 256  # announced addresses remembered at once
DIALS_PER_MINUTE_MAX = 30
DIAL_PORT_MIN = 1024
BACKOFF_FIRST_S = 1.0
BACKOFF_MAX_S = 300.0
PENALTY_FIRST_S = 10.0  # for sending what is refused; doubles up to BACKOFF_MAX_S
PENALTIES_MAX = 1024  # peers of which that is remembered

# --- Bundles (protocol/bundle.md) ---
BUNDLE_RECORD_MAX_BYTES = FRAME_MAX_BYTES  # the largest range fits, as in a session; a reader keeps one at a time

# --- The store ---
EXCERPT_STEPS_MAX = 32  # answers up from an entry of a run: what a thread shows above a message
WANTED_MAX = 131_072  # refs to be asked for: some 20 MB
WANTED_OF_FEED_MAX = 16_384  # that one feed refers to: a hostile one may make up millions
CHANGE_BLOCK = 4096  # change numbers reserved at once in the high-water mark
INGEST_BATCH_ENTRIES = 2048  # rows of one multi-row statement: 4 columns stay under SQLite's 32,766 variables
GUEST_FEEDS_MAX = 16
GUEST_MAX_BYTES = 1 << 20
GUEST_STAY_S = (
    10.0  # at least this long before the next guest takes a place: a flood of made-up ones turns nothing over
)
QUOTA_FEED_BYTES = 1 << 30  # one feed that a person follows: four million messages
QUOTA_TOTAL_BYTES = 16 << 30
QUOTA_MEDIA_BYTES = 2 << 30  # pictures of others; one's own have none
AVATAR_OF_HOPS_MAX_BYTES = 64 << 10  # what is fetched unasked of those whom one does not follow oneself
CIRCLE_MEMBERS_MAX = 1000  # each is an item of private state; more is a public
