import type { InboxMessage } from '../../../src/cluster/inbox.ts'
import { executionOf, nameOf } from '../../support/shared/tables.ts'
import { override, type Planted } from './planted.ts'
import { inbox, rounds, type SharedPlant } from './shared-planted.ts'

const READ = 'messages are read in order, and stay until a commit consumes them'
const REPEATED = 'a message that is posted twice is delivered once, also after it was consumed'
const REFUSED = 'messages of a worker that does not hold the order are refused'
const BYTES = 'a message comes back to the byte'
const CONSUMED = 'a commit consumes the messages that it names, and no others'
const COMMAND = 'a command is delivered once, and its reply is found'
const END = 'the end of an execution answers the commands and removes the orders that are left'
const ATOMIC = 'a commit that is refused writes nothing of its round'
const DELETED = 'a deleted execution has no orders and no messages'
const HINTS = 'hints that come say what they are about, and none comes once their subscription has ended'

/** An inbox that changes the messages that are read. */
const changed = (change: (text: string) => string): SharedPlant =>
  inbox(part => ({
    async read(ids, limit) {
      const found = await part.read(ids, limit)
      return new Map([...found].map(([id, own]) => [id, JSON.parse(change(JSON.stringify(own))) as InboxMessage[]]))
    },
  }))

/** Faults of messages, commands, rounds and hints. */
export const INBOX_FAULTS: readonly Planted<SharedPlant>[] = [
  [
    'accepts messages of every worker',
    inbox((part, { tables }) => ({
      post: (worker, messages) =>
        part.post(
          tables.orders.get(nameOf((messages[0] ?? { key: { executionId: '', taskId: '', attempt: 1 } }).key))
            ?.worker ?? worker,
          messages,
        ),
    })),
    REFUSED,
  ],
  [
    'refuses all messages with one that it refuses',
    inbox(part => ({
      async post(worker, messages) {
        const accepted = await part.post(worker, messages)
        return accepted.includes(false) ? messages.map(() => false) : accepted
      },
    })),
    REFUSED,
  ],
  [
    'accepts an outcome after the order was interrupted',
    inbox((part, { tables }) => ({
      async post(worker, messages) {
        const accepted = await part.post(worker, messages)
        for (const [i, message] of messages.entries())
          if (accepted[i] === false && message.news.type === 'settled') tables.addMessage(message)
        return messages.map(() => true)
      },
    })),
    'a renewed order stays, one that is not renewed is interrupted and its outcome refused',
  ],
  [
    'refuses an outcome after the time of its lease',
    inbox((part, { tables }, clock) => ({
      post: (worker, messages) =>
        part.post(
          messages.some(({ key }) => (tables.orders.get(nameOf(key))?.expiresAt ?? 0) <= clock.now()) ? '' : worker,
          messages,
        ),
    })),
    'an outcome or a renewal after the time of a lease is accepted until that was found expired',
  ],
  [
    'delivers a repeated message twice',
    inbox((part, { tables }) => ({
      post: (worker, messages) => {
        for (const { key, number } of messages) {
          const row = tables.orders.get(nameOf(key))
          if (row !== undefined && row.lastNumber >= number) row.lastNumber = number - 1
        }
        return part.post(worker, messages)
      },
    })),
    REPEATED,
  ],
  [
    'refuses a repeated message',
    inbox((part, { tables }) => ({
      post: async (worker, messages) => {
        const known = messages.map(({ key, number }) => (tables.orders.get(nameOf(key))?.lastNumber ?? 1e9) >= number)
        const accepted = await part.post(worker, messages)
        return accepted.map((isAccepted, i) => isAccepted && known[i] !== true)
      },
    })),
    REPEATED,
  ],
  [
    'accepts messages in any order of their numbers',
    inbox((part, { tables }) => {
      const numbers = new Set<string>()
      return {
        post: (worker, messages) => {
          for (const { key, number } of messages) {
            const row = tables.orders.get(nameOf(key))
            const name = `${nameOf(key)} ${number}`
            if (row !== undefined && !numbers.has(name)) row.lastNumber = Math.min(row.lastNumber, number - 1)
            numbers.add(name)
          }
          return part.post(worker, messages)
        },
      }
    }),
    'a message with a number below the last accepted one is a repetition',
  ],
  [
    'forgets what it refused once the last message was consumed',
    inbox((part, { tables }) => ({
      async post(worker, messages) {
        const accepted = await part.post(worker, messages)
        return accepted.map((isAccepted, i) => {
          const key = messages[i]?.key
          return isAccepted || (key !== undefined && !tables.orders.has(nameOf(key)) && key.attempt === 1)
        })
      },
    })),
    REPEATED,
  ],
  [
    'removes messages when they are read',
    inbox((part, { tables }) => ({
      async read(ids, limit) {
        const read = await part.read(ids, limit)
        for (const { id } of [...read.values()].flat()) tables.messages.delete(id)
        return read
      },
    })),
    READ,
  ],
  [
    'reads the newest messages first',
    inbox(part => ({
      async read(ids, limit) {
        const read = await part.read(ids, limit)
        return new Map([...read].map(([id, own]) => [id, own.toReversed()]))
      },
    })),
    READ,
  ],
  ['reads more messages than it was asked for', inbox(part => ({ read: ids => part.read(ids, 1e9) })), READ],
  [
    'has one limit for all executions',
    inbox(part => ({
      async read(ids, limit) {
        let left = limit
        const read = new Map<string, readonly InboxMessage[]>()
        for (const [id, own] of await part.read(ids, limit)) {
          read.set(id, own.slice(0, left))
          left = Math.max(0, left - own.length)
        }
        return read
      },
    })),
    READ,
  ],
  ['loses NUL characters', changed(text => text.replaceAll(/(?<!\\)\\u0000/g, '')), BYTES],
  ['rounds times', changed(text => text.replace('1.5', '1')), BYTES],
  ['cuts long texts', changed(text => text.replace(/(?:long ){20000,}/, 'long ')), BYTES],
  ['loses the delay that a tool asked for', changed(text => text.replace(',"retryAfterMs":1.5', '')), BYTES],
  ['loses that an attempt was abandoned', changed(text => text.replace(',"abandoned":true', '')), BYTES],
  ['loses the metrics of an outcome', changed(text => text.replace(/,"metrics":\{[^}]*\}/, '')), BYTES],
  [
    'knows executions with messages of every holder',
    inbox((_, { tables }) => ({
      listWaiting: async () => [...new Set([...tables.messages.values()].map(({ message }) => executionOf(message)))],
    })),
    'executions with messages are found by their holder',
  ],
  [
    'knows executions with messages of workers alone',
    inbox((_, { tables }) => ({
      listWaiting: async holder => {
        const own = [...tables.messages.values()].flatMap(({ message }) =>
          'key' in message ? [message.key.executionId] : [],
        )
        return [...new Set(own)].filter(id => tables.holders.get(id)?.holder === holder)
      },
    })),
    'executions with messages are found by their holder',
  ],
  ['consumes nothing', rounds(round => ({ ...round, consumed: [] })), READ],
  [
    'consumes all messages of its execution',
    store => ({
      async commit(lease, first, entries, round) {
        await store.commit(lease, first, entries, round)
        if (round.consumed.length === 0) return
        for (const [id, { message }] of store.tables.messages)
          if (executionOf(message) === lease.executionId) store.tables.messages.delete(id)
      },
    }),
    CONSUMED,
  ],
  [
    'consumes all messages up to the last of a round',
    rounds((round, { tables }) => {
      const last = round.consumed.at(-1)
      const ids = [...tables.messages.keys()]
      return { ...round, consumed: last === undefined ? [] : ids.slice(0, ids.indexOf(last) + 1) }
    }),
    CONSUMED,
  ],
  [
    'numbers the messages of each execution from 1',
    store => {
      const { tables } = store
      const idsOf = (executionId: string): string[] =>
        [...tables.messages.values()].filter(({ message }) => executionOf(message) === executionId).map(({ id }) => id)
      return {
        inbox: override(store.inbox, {
          async read(ids, limit) {
            const read = await store.inbox.read(ids, limit)
            return new Map([...read].map(([id, own]) => [id, own.map((each, i) => ({ ...each, id: String(i + 1) }))]))
          },
        }),
        commit: async (lease, first, entries, round) => {
          const all = new Set([...tables.messages.values()].map(({ message }) => executionOf(message)))
          const consumed = [...all].flatMap(id => idsOf(id).filter((_, i) => round.consumed.includes(String(i + 1))))
          await store.commit(lease, first, entries, { ...round, consumed })
        },
      }
    },
    CONSUMED,
  ],
  [
    'consumes though the commit is refused',
    store => ({
      async commit(lease, first, entries, round) {
        for (const id of round.consumed) store.tables.messages.delete(id)
        return store.commit(lease, first, entries, round)
      },
    }),
    ATOMIC,
  ],
  [
    'orders though the commit is refused',
    store => ({
      async commit(lease, first, entries, round) {
        const head = (await store.read(lease.executionId, 0, 1000)).length
        const { epoch } = store.tables.holders.get(lease.executionId) ?? lease
        await store.commit({ ...lease, epoch }, head + 1, [], { ...round, consumed: [], replies: [] })
        return store.commit(lease, first, entries, { ...round, orders: [] })
      },
    }),
    ATOMIC,
  ],
  [
    'replies though the commit is refused',
    store => ({
      async commit(lease, first, entries, round) {
        for (const reply of round.replies) store.tables.replies.set(reply.commandId, reply)
        return store.commit(lease, first, entries, round)
      },
    }),
    ATOMIC,
  ],
  ['drops the orders of a round', rounds(round => ({ ...round, orders: [] })), ATOMIC],
  [
    'delivers a repeated command again',
    inbox((part, { tables }) => ({
      send: command => {
        tables.commands.delete(command.commandId)
        return part.send(command)
      },
    })),
    COMMAND,
  ],
  [
    'loses the error of a reply',
    inbox(part => ({
      async findReply(id) {
        const { error: _, ...rest } = { ...(await part.findReply(id)) }
        return 'commandId' in rest ? { commandId: id, ...rest } : undefined
      },
    })),
    COMMAND,
  ],
  [
    'takes commands for executions that have ended',
    inbox((part, { tables }) => ({
      async send(command) {
        const status = (await tables.executions.get(command.executionId))?.status ?? 'running'
        return status === 'running' ? part.send(command) : undefined
      },
    })),
    'a command to an unknown or ended execution is refused',
  ],
  [
    'leaves commands unanswered at the end',
    store => ({
      async commit(lease, first, entries, round) {
        const isEnd = entries.at(-1)?.type === 'execution_complete'
        for (const [id, { message }] of store.tables.messages)
          if (isEnd && executionOf(message) === lease.executionId) store.tables.messages.delete(id)
        return store.commit(lease, first, entries, round)
      },
    }),
    END,
  ],
  [
    'answers all commands at the end that it has ended',
    store => ({
      async commit(lease, first, entries, round) {
        await store.commit(lease, first, entries, round)
        if (entries.at(-1)?.type !== 'execution_complete') return
        const error = { code: 'EXECUTION_ENDED', message: 'It has ended' }
        for (const { commandId } of round.replies) store.tables.replies.set(commandId, { commandId, error })
      },
    }),
    END,
  ],
  [
    'keeps the orders of what has ended',
    store => ({
      async commit(lease, first, entries, round) {
        const kept = new Map(store.tables.orders)
        await store.commit(lease, first, entries, round)
        for (const [name, row] of kept) store.tables.orders.set(name, row)
      },
    }),
    END,
  ],
  [
    'removes the orders of all at the end of one',
    store => ({
      async commit(lease, first, entries, round) {
        await store.commit(lease, first, entries, round)
        if (entries.at(-1)?.type === 'execution_complete') store.tables.orders.clear()
      },
    }),
    END,
  ],
  [
    'keeps the orders of what it deletes',
    store => ({
      delete: id => {
        const kept = new Map(store.tables.orders)
        const isDeleted = store.delete(id)
        for (const [name, row] of kept) store.tables.orders.set(name, row)
        return isDeleted
      },
    }),
    DELETED,
  ],
  [
    'removes the messages of all with what it deletes',
    store => ({
      delete: id => {
        store.tables.messages.clear()
        return store.delete(id)
      },
    }),
    DELETED,
  ],
  [
    'gives hints without an execution',
    store => ({
      hints: { subscribe: wake => store.hints.subscribe(hints => wake(hints?.map(({ kind }) => ({ kind }) as never))) },
    }),
    HINTS,
  ],
  [
    'gives hints to those who have left',
    store => ({
      hints: {
        subscribe: async wake => {
          await store.hints.subscribe(wake)
          return async () => {}
        },
      },
    }),
    HINTS,
  ],
]
