import type { LogEntry } from '../../../src/events/log-entry.ts'
import type { ExecutionRecord, StoredExecution } from '../../../src/store/execution-store.ts'
import type { StorePlant } from './log-faults.ts'
import type { Planted } from './planted.ts'

const ALIKE = 'names that differ in case, accents, spaces or leading zeros stay apart'
const GONE = 'a deleted execution is gone whole, its id and key are free'
const LEFTOVERS = 'nothing of a deleted execution comes back with a new one of its id'
const OTHERS = 'a deletion leaves other executions whole'
const SWEEP = 'a sweep leaves what runs'
const SHOWN = 'an execution is shown as parked or stopping by the entries of its log'

/** Faults of records, lists, removals and what belongs to them. */
export const RECORD_FAULTS: readonly Planted<StorePlant>[] = [
  [
    'takes all owners for one',
    store => ({ create: record => store.create({ ...record, owner: 'anybody' }) }),
    'an owner and idempotency key have one execution',
  ],
  [
    'takes no owner for the owner `undefined`',
    store => ({
      create: record => store.create(record.owner === 'undefined' ? omitOwner(record) : record),
    }),
    'owners and keys that look alike when they are joined stay apart',
  ],
  [
    'joins owner and key',
    store => {
      const keys = new Map<string, string>()
      return {
        async create(record) {
          const { owner = '', idempotencyKey, executionId } = record
          if (idempotencyKey === undefined) return store.create(record)
          const name = `${owner}:${idempotencyKey}`
          const same = keys.get(name)
          if (same !== undefined) return (await store.get(same)) ?? (await store.create(record))
          keys.set(name, executionId)
          return store.create(record)
        },
      }
    },
    'owners and keys that look alike when they are joined stay apart',
  ],
  [
    'compares owners without case and accents',
    store => {
      const fold = (text: string): string => text.normalize('NFD').replaceAll(/\p{M}/gu, '').toLowerCase()
      const keys = new Map<string, string>()
      return {
        async create(record) {
          const { owner, idempotencyKey, executionId } = record
          if (owner === undefined || idempotencyKey === undefined) return store.create(record)
          const name = JSON.stringify([fold(owner), fold(idempotencyKey)])
          const same = keys.get(name)
          if (same === undefined) keys.set(name, executionId)
          return same === undefined ? store.create(record) : store.get(same)
        },
      }
    },
    ALIKE,
  ],
  [
    'takes tasks for numbers where they look like some',
    store => {
      const nameOf = (taskId: string): string =>
        taskId !== '' && !Number.isNaN(Number(taskId)) ? String(Number(taskId)) : taskId
      return {
        putOutput: (lease, taskId, json) => store.putOutput(lease, nameOf(taskId), json),
        getOutput: (id, taskId) => store.getOutput(id, nameOf(taskId)),
      }
    },
    ALIKE,
  ],
  [
    'ignores spaces at the end of names',
    store => ({
      putOutput: (lease, taskId, json) => store.putOutput(lease, taskId.trimEnd(), json),
      getOutput: (id, taskId) => store.getOutput(id, taskId.trimEnd()),
    }),
    ALIKE,
  ],
  [
    'joins execution and task',
    () => {
      const outputs = new Map<string, string>()
      return {
        putOutput: (lease, taskId, json) => void outputs.set(`${lease.executionId}-${taskId}`, json),
        getOutput: (id, taskId) => outputs.get(`${id}-${taskId}`),
      }
    },
    'outputs of executions and tasks that look alike when they are joined stay apart',
  ],
  [
    'returns a repeated creation as it was created',
    store => {
      const made = new Map<string, StoredExecution>()
      return {
        async create(record) {
          const existing = await store.create(record)
          if (existing === undefined) made.set(record.executionId, { ...record, status: 'running' })
          return existing && made.get(existing.executionId)
        },
      }
    },
    'a repeated creation returns the execution as it is by then',
  ],
  [
    'keeps the key of a creation that it refuses',
    store => {
      const keys = new Map<string, string>()
      return {
        async create(record) {
          const name = JSON.stringify([record.owner, record.idempotencyKey])
          const same = record.idempotencyKey === undefined ? undefined : keys.get(name)
          keys.set(name, record.executionId)
          return same === undefined ? store.create(record) : store.get(same)
        },
      }
    },
    'a creation that is refused leaves its key free',
  ],
  [
    'overwrites an execution of the same id',
    store => ({
      async create(record) {
        await store.delete(record.executionId)
        return store.create(record)
      },
    }),
    'an id is created once',
  ],
  [
    'finds keys of all owners',
    store => ({
      findByKey: async (_, key) => (await store.list({ limit: 1000 })).find(each => each.idempotencyKey === key),
    }),
    'an execution is found by its owner and key',
  ],
  [
    'looks for a key and creates a moment later',
    store => {
      const keys = new Map<string, string>()
      return {
        async create(record) {
          const name = JSON.stringify([record.owner, record.idempotencyKey])
          const same = record.idempotencyKey === undefined ? undefined : keys.get(name)
          await Promise.resolve()
          if (same !== undefined) return store.get(same)
          keys.set(name, record.executionId)
          const { idempotencyKey: _, ...rest } = record
          return store.create(rest)
        },
      }
    },
    'of creations at once with one key exactly one is new',
  ],
  [
    'writes the input anew',
    store => ({
      create: record =>
        store.create(
          record.input === undefined ? record : { ...record, input: JSON.stringify(JSON.parse(record.input)) },
        ),
    }),
    'an execution is got as it was created, and runs',
  ],
  [
    'lists newest first',
    store => ({ list: async options => (await store.list(options)).toReversed() }),
    'executions are listed oldest first, by owner, in pages',
  ],
  [
    'skips what has the time of the last one of a page',
    store => ({
      list: async ({ after, ...options }) => {
        const all = await store.list({ ...options, limit: 1e9 })
        return all.filter(each => after === undefined || each.createdAt > after.createdAt).slice(0, options.limit)
      },
    }),
    'executions are listed oldest first, by owner, in pages',
  ],
  [
    'repeats what has the time of the last one of a page',
    store => ({
      list: async ({ after, ...options }) => {
        const all = await store.list({ ...options, limit: 1e9 })
        return all.filter(each => after === undefined || each.createdAt >= after.createdAt).slice(0, options.limit)
      },
    }),
    'executions are listed oldest first, by owner, in pages',
  ],
  [
    'begins anew after one that was deleted',
    store => ({
      list: async ({ after, ...options }) => {
        const all = await store.list({ ...options, limit: 1e9 })
        const at = all.findIndex(({ executionId }) => executionId === after?.executionId)
        return all.slice(at + 1, at + 1 + options.limit)
      },
    }),
    'executions are listed oldest first, by owner, in pages',
  ],
  [
    'keeps the outputs of what it deletes',
    store => {
      const outputs = new Map<string, string>()
      return {
        putOutput: async (lease, taskId, json) => {
          await store.putOutput(lease, taskId, json)
          outputs.set(`${lease.executionId} ${taskId}`, json)
        },
        getOutput: (id, taskId) => outputs.get(`${id} ${taskId}`),
      }
    },
    GONE,
  ],
  [
    'hides the outputs of what it deletes',
    store => {
      const outputs = new Map<string, string>()
      return {
        putOutput: async (lease, taskId, json) => {
          await store.putOutput(lease, taskId, json)
          outputs.set(`${lease.executionId} ${taskId}`, json)
        },
        getOutput: async (id, taskId) =>
          (await store.get(id)) === undefined ? undefined : outputs.get(`${id} ${taskId}`),
      }
    },
    LEFTOVERS,
  ],
  [
    'hides the secrets of what it deletes',
    store => {
      const rows = new Map<string, string>()
      const { secrets } = store
      if (secrets === undefined) return {}
      return {
        secrets: {
          put: async (lease, inputId, json) => {
            await secrets.put(lease, inputId, json)
            rows.set(`${lease.executionId} ${inputId}`, json)
          },
          get: async (id, inputId) => ((await store.get(id)) === undefined ? undefined : rows.get(`${id} ${inputId}`)),
          keep: (lease, ids) => secrets.keep(lease, ids),
        },
      }
    },
    LEFTOVERS,
  ],
  [
    'accepts outputs of what it has deleted',
    () => {
      const outputs = new Map<string, string>()
      return {
        putOutput: ({ executionId }, taskId, json) => void outputs.set(`${executionId} ${taskId}`, json),
        getOutput: (id, taskId) => outputs.get(`${id} ${taskId}`),
      }
    },
    'nothing is written to a deleted execution',
  ],
  [
    'keeps the key of what it deletes',
    store => {
      const keys = new Set<string>()
      return {
        async create(record) {
          const name = JSON.stringify([record.owner, record.idempotencyKey])
          const wasKnown = record.idempotencyKey !== undefined && keys.has(name)
          keys.add(name)
          const existing = await store.create(record)
          return existing ?? (wasKnown ? { ...record, status: 'running' } : undefined)
        },
      }
    },
    GONE,
  ],
  [
    'deletes the outputs of all',
    store => {
      let isLost = false
      return {
        delete: id => {
          isLost = true
          return store.delete(id)
        },
        getOutput: (id, taskId) => (isLost ? undefined : store.getOutput(id, taskId)),
      }
    },
    OTHERS,
  ],
  [
    'says that it deleted what it never had',
    store => ({
      delete: async id => {
        await store.delete(id)
        return true
      },
    }),
    GONE,
  ],
  [
    'sweeps what runs',
    store => ({
      async sweep() {
        const all = (await store.list({ limit: 1000 })).filter(({ status }) => status === 'running')
        for (const { executionId } of all) await store.delete(executionId)
        return all.length
      },
    }),
    SWEEP,
  ],
  [
    'sweeps whatever has ended',
    store => ({
      async sweep() {
        const all = (await store.list({ limit: 1000 })).filter(({ status }) => status !== 'running')
        for (const { executionId } of all) await store.delete(executionId)
        return all.length
      },
    }),
    SWEEP,
  ],
  [
    'shows nothing of what is parked',
    store => ({
      async get(id) {
        const { parked: _, ...found } = { ...(await store.get(id)) }
        return 'executionId' in found ? (found as StoredExecution) : undefined
      },
    }),
    SHOWN,
  ],
  [
    'sees only the last entry of a batch',
    store => ({
      async append(lease, first, entries) {
        const ordinary = entries.map((entry, i) => (i < entries.length - 1 ? asInfo(entry) : entry))
        await store.append(lease, first, ordinary)
      },
    }),
    SHOWN,
  ],
  [
    'never forgets that an execution was parked',
    store => {
      const parked = new Map<string, StoredExecution['parked']>()
      return {
        async get(id) {
          const found = await store.get(id)
          if (found?.parked !== undefined) parked.set(id, found.parked)
          const last = parked.get(id)
          return found && (last === undefined ? found : { ...found, parked: last })
        },
      }
    },
    SHOWN,
  ],
  [
    'tells what runs here as interrupted',
    store => ({ interrupted: () => store.list({ limit: 1000 }) }),
    'what has ended, or is claimed here, is not interrupted',
  ],
  [
    'knows only what succeeded as recent',
    store => ({
      recent: async ({ owner, limit }) => {
        const all = await store.list({ ...(owner !== undefined && { owner }), limit: 1e9 })
        return all
          .filter(({ status }) => status === 'success')
          .map(({ executionId }) => executionId)
          .toReversed()
          .slice(0, limit)
      },
    }),
    'recent executions are those that ended, newest first, by owner',
  ],
  [
    'sums up in an order of its own',
    store => ({
      summarize: async ids => (await store.summarize?.(ids))?.toReversed() ?? [],
    }),
    'summaries are told in the order they are asked for',
  ],
]

function omitOwner(record: ExecutionRecord): ExecutionRecord {
  const { owner: _, ...rest } = record
  return rest
}

/** The same entry for readers; the store sees an ordinary one. */
function asInfo(entry: LogEntry): LogEntry {
  return new Proxy(entry, {
    get: (target, name) => {
      if (name === 'type') return 'info'
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}
