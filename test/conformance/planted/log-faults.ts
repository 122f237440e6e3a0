import type { LogEntry } from '../../../src/events/log-entry.ts'
import type { Lease } from '../../../src/log/event-log.ts'
import type { StoredEntry } from '../../../src/log/stored-entry.ts'
import type { ExecutionStore, StoredExecution } from '../../../src/store/execution-store.ts'
import { TIMED_TYPES } from '../../../src/store/timed-entries.ts'
import type { Planted } from './planted.ts'

/** A store with the faulty parts in place of its own. */
export type StorePlant = (store: ExecutionStore) => Partial<ExecutionStore>

const PAGES = 'appended entries are read in order, in pages, from any place'
const FENCING = 'a claim takes the right to append from earlier leases'
const BYTES = 'the JSON of an entry comes back to the byte'
const BASE = 'the state of evicted entries ends where the log begins, and belongs to its caller'
const CONFLICT = 'an append that does not follow is refused whole'

type Change = (entry: StoredEntry) => StoredEntry

const changed =
  (change: Change): StorePlant =>
  store => ({
    read: async (id, after, limit) =>
      (await store.read(id, after, limit)).map(({ seq, type, json }) => change({ seq, type, json })),
  })

const rewrite = (write: (json: string) => string): StorePlant =>
  changed(entry => ({ ...entry, json: write(entry.json) }))

/** The newest lease, whichever was given. */
const renew = async (store: ExecutionStore, { executionId }: Lease): Promise<Lease> => store.claim(executionId)

/** Faults of logs and leases. */
export const LOG_FAULTS: readonly Planted<StorePlant>[] = [
  ['reads one entry too many', store => ({ read: (id, after, limit) => store.read(id, after, limit + 1) }), PAGES],
  [
    'reads on from the entry itself',
    store => ({ read: (id, after, n) => store.read(id, Math.max(0, after - 1), n) }),
    PAGES,
  ],
  ['ignores the limit of a page', store => ({ read: (id, after) => store.read(id, after, 1e9) }), PAGES],
  [
    'has pages of at most 20 entries and says nothing after them',
    store => ({
      read: async (id, after, limit) => (after >= 20 ? [] : store.read(id, after, Math.min(limit, 20 - after))),
    }),
    PAGES,
  ],
  [
    'writes at most 1,000 entries of one append',
    store => ({ append: (lease, first, entries) => store.append(lease, first, entries.slice(0, 1000)) }),
    'a long append is written whole',
  ],
  [
    'reads the newest first',
    store => ({
      read: async (id, after, limit) => (await store.read(id, after, limit)).toReversed(),
    }),
    PAGES,
  ],
  ['loses the type of an entry', changed(entry => ({ ...entry, type: 'info' })), BYTES],
  ['parses and writes the JSON anew', rewrite(json => JSON.stringify(JSON.parse(json))), BYTES],
  [
    'sorts the members of objects',
    rewrite(json => (json.includes('"b"') ? json.replace('"b":1, "a":2', '"a":2, "b":1') : json)),
    BYTES,
  ],
  ['loses the digits of large numbers', rewrite(json => json.replace('9007199254740993', '9007199254740992')), BYTES],
  ['loses escaped NUL characters', rewrite(json => json.replace('\\u0000', '')), BYTES],
  ['replaces halves of surrogate pairs', rewrite(json => json.replace('\\ud800', '\ufffd')), BYTES],
  ['cuts long entries', rewrite(json => json.slice(0, 65_536)), BYTES],
  [
    'writes outputs anew',
    store => ({
      putOutput: (lease, taskId, json) => store.putOutput(lease, taskId, JSON.stringify(JSON.parse(json))),
    }),
    BYTES,
  ],
  [
    'has leases that never lapse',
    store => ({
      append: async (lease, first, entries) => store.append(await renew(store, lease), first, entries),
    }),
    FENCING,
  ],
  [
    'checks the seq of an append and not the lease',
    store => {
      const newest = new Map<string, Lease>()
      return {
        claim: async id => {
          const lease = await store.claim(id)
          newest.set(id, lease)
          return lease
        },
        append: (lease, first, entries) => store.append(newest.get(lease.executionId) ?? lease, first, entries),
      }
    },
    'of two claims at once one lease appends',
  ],
  [
    'does not fence outputs',
    store => ({
      putOutput: async (lease, taskId, json) => store.putOutput(await renew(store, lease), taskId, json),
    }),
    FENCING,
  ],
  [
    'writes an output before it checks the lease',
    store => {
      const outputs = new Map<string, string>()
      return {
        putOutput: (lease, taskId, json) => {
          outputs.set(`${lease.executionId} ${taskId}`, json)
          return store.putOutput(lease, taskId, json)
        },
        getOutput: (id, taskId) => outputs.get(`${id} ${taskId}`),
      }
    },
    FENCING,
  ],
  [
    'gives claims the same epoch',
    store => {
      const epochs = new Map<string, number>()
      return {
        claim: async id => {
          const lease = await store.claim(id)
          epochs.set(id, lease.epoch)
          return { ...lease, epoch: 1 }
        },
        append: (lease, first, entries) =>
          store.append({ ...lease, epoch: epochs.get(lease.executionId) ?? 1 }, first, entries),
        putOutput: (lease, taskId, json) =>
          store.putOutput({ ...lease, epoch: epochs.get(lease.executionId) ?? 1 }, taskId, json),
      }
    },
    FENCING,
  ],
  [
    'claims what it does not know',
    store => ({
      claim: async id => ((await store.get(id)) === undefined ? { executionId: id, epoch: 1 } : store.claim(id)),
    }),
    'what was not created cannot be claimed',
  ],
  [
    'appends half of a batch that it refuses',
    store => ({
      async append(lease, first, entries) {
        try {
          await store.append(lease, first, entries)
        } catch (error) {
          const next = (await store.read(lease.executionId, 0, 1000)).length + 1
          await store.append(
            lease,
            next,
            entries.slice(0, 1).map(entry => Object.assign(entry, { seq: next })),
          )
          throw error
        }
      },
    }),
    CONFLICT,
  ],
  [
    'drops a batch that it has already without a word',
    store => ({
      async append(lease, first, entries) {
        if (first > (await store.read(lease.executionId, 0, 1000)).length) await store.append(lease, first, entries)
      },
    }),
    CONFLICT,
  ],
  [
    'checks an append and writes it a moment later',
    () => {
      const rows = new Map<string, LogEntry[]>()
      return {
        async append({ executionId }, first, entries) {
          const row = rows.get(executionId) ?? []
          rows.set(executionId, row)
          const isNext = first === row.length + 1
          await Promise.resolve()
          if (!isNext) throw Object.assign(new Error('conflict'), { code: 'SEQ_CONFLICT' })
          row.push(...entries)
        },
        read: (id, after, limit) => rows.get(id)?.slice(after, after + limit) ?? [],
      }
    },
    'of appends at once for one place exactly one succeeds, whole',
  ],
  [
    'ends an execution by an append that it refuses',
    store => {
      const ended = new Map<string, StoredExecution['status']>()
      return {
        async append(lease, first, entries) {
          const last = entries.at(-1)
          if (last?.type === 'execution_complete') ended.set(lease.executionId, 'error')
          await store.append(lease, first, entries)
        },
        async get(id) {
          const found = await store.get(id)
          return found && { ...found, status: ended.get(id) ?? found.status }
        },
      }
    },
    'an end that is refused ends nothing',
  ],
  [
    'counts each cancelled execution as an error',
    store => ({
      async get(id) {
        const found = await store.get(id)
        return found && { ...found, status: found.status === 'cancelled' ? 'error' : found.status }
      },
    }),
    'the last event gives the execution its status',
  ],
  [
    'gives away the list that it appends to',
    store => {
      const rows = new Map<string, LogEntry[]>()
      return {
        async append(lease, first, entries) {
          await store.append(lease, first, entries)
          rows.set(lease.executionId, Object.assign(rows.get(lease.executionId) ?? [], { length: first - 1 }))
          rows.get(lease.executionId)?.push(...entries)
        },
        read: (id, after, limit) => (after === 0 ? (rows.get(id) ?? []) : store.read(id, after, limit)),
      }
    },
    'a page that was read stays as it is while more is appended',
  ],
  [
    'keeps the list of entries that it was given',
    store => {
      const rows = new Map<string, readonly LogEntry[][]>()
      return {
        async append(lease, first, entries) {
          await store.append(lease, first, entries)
          rows.set(lease.executionId, [...(rows.get(lease.executionId) ?? []), entries as LogEntry[]])
        },
        read: (id, after, limit) => (rows.get(id)?.flat() ?? []).slice(after, after + limit),
      }
    },
    'a list of entries and a record belong to their caller again once they are written',
  ],
  [
    'changes executions that it gave away',
    store => {
      const rows = new Map<string, StoredExecution>()
      return {
        async append(lease, first, entries) {
          await store.append(lease, first, entries)
          Object.assign(rows.get(lease.executionId) ?? {}, await store.get(lease.executionId))
        },
        async get(id) {
          const found = rows.get(id) ?? (await store.get(id))
          const row = found && { ...found }
          if (row !== undefined && !rows.has(id)) rows.set(id, row)
          return rows.get(id)
        },
      }
    },
    'an execution that was got or listed stays as it is while it goes on',
  ],
  [
    'gives away the state of evicted entries that it keeps',
    store => {
      const states = new Map<string, Awaited<ReturnType<NonNullable<typeof store.readBase>>>>()
      return {
        async readBase(id) {
          if (!states.has(id)) states.set(id, await store.readBase?.(id))
          return states.get(id)
        },
      }
    },
    BASE,
  ],
  ['loses the state of evicted entries', () => ({ readBase: () => undefined }), BASE],
  [
    'finds no retries among the times',
    store => ({
      async readTimes(id, after, limit) {
        const types: readonly string[] = TIMED_TYPES.filter(type => type !== 'task_retry')
        const found = (await store.read(id, after, 1e9)).map(({ seq, type, json }) => ({
          seq,
          type,
          data: JSON.parse(json) as Record<string, unknown>,
        }))
        const timed = found.filter(
          ({ type, data }) => types.includes(type) && (type !== 'task_start' || 'itemCount' in data),
        )
        return timed.slice(0, limit)
      },
    }),
    'times are the entries that say what tasks took, in order and in pages',
  ],
]
