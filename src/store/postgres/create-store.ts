import type { ClientConfig } from 'pg'
import type { Database } from './connection/database.ts'
import { Exchange } from './cluster/exchange.ts'
import { HintChannel } from './cluster/hint-channel.ts'
import { LeaseTable } from './cluster/lease-table.ts'
import { MemberTable } from './cluster/member-table.ts'
import { MessageTable } from './cluster/message-table.ts'
import { OrderTable } from './cluster/order-table.ts'
import { OrderTake } from './cluster/order-take.ts'
import { ThreadRenewal } from './cluster/renewal.ts'
import { RoundTable } from './cluster/round-table.ts'
import { EventTable } from './event-table.ts'
import { Executions } from './executions.ts'
import type { PostgresDriver } from './connection/load-driver.ts'
import { OWN_LEASE_MS, OwnClaims } from './own-claims.ts'
import type { PostgresStore } from './postgres-store.ts'
import { RememberedOutputs } from './remembered-outputs.ts'
import { Retention } from './retention.ts'
import type { PostgresStoreOptions } from './store-options.ts'

/** The parts of a store. */
export interface StoreParts {
  readonly database: Database
  readonly driver: PostgresDriver
  /** Of further connections. */
  readonly config: ClientConfig
  readonly options: Required<PostgresStoreOptions>
}

const NO_ROUND = { orders: [], consumed: [], replies: [] } as const

/** Creates a store on a database of the right version. */
export function createPostgresStore({ database, driver, config, options }: StoreParts): PostgresStore {
  const executions = new Executions(database)
  const table = new EventTable(database)
  const outputs = new RememberedOutputs(database, options)
  const retention = new Retention(database, options)
  const claims = new OwnClaims(database, options.logger)
  const hints = new HintChannel(database, driver, config)
  const members = new MemberTable(database, hints.publish)
  const rounds = new RoundTable(table, hints)
  const take = new OrderTake(database)
  const exchange = new Exchange(database, take, hints)
  retention.start()
  let closing: Promise<void> | undefined

  const close = async (): Promise<void> => {
    await hints.close()
    await retention.close()
    try {
      await claims.close()
    } finally {
      await database.close()
    }
  }

  return {
    where: database.where,
    create: record => executions.create(record),
    async claim(executionId) {
      const lease = await table.claim(executionId, claims.holder, OWN_LEASE_MS)
      claims.keep()
      return lease
    },
    append: (lease, firstSeq, entries) => rounds.commit(lease, firstSeq, entries, NO_ROUND),
    commit: (lease, firstSeq, entries, round) => rounds.commit(lease, firstSeq, entries, round),
    read: (executionId, afterSeq, limit) => table.read(executionId, afterSeq, limit),
    putOutput: (lease, taskId, json) => table.putOutput(lease, taskId, json),
    getOutput: (executionId, taskId) => table.getOutput(executionId, taskId),
    secrets: {
      put: (lease, inputId, json) => table.putSecret(lease, inputId, json),
      get: (executionId, inputId) => table.getSecret(executionId, inputId),
      keep: (lease, inputIds) => table.keepSecrets(lease, inputIds),
    },
    get: executionId => executions.get(executionId),
    findByKey: (owner, idempotencyKey) => executions.findByKey(owner, idempotencyKey),
    list: options => executions.list(options),
    recent: options => executions.recent(options),
    summarize: ids => executions.summarize(ids),
    interrupted: () => executions.interrupted(),
    recall: (key, maxAgeMs) => outputs.recall(key, maxAgeMs),
    remember: (key, remembered) => outputs.remember(key, remembered),
    forget: () => outputs.forget(),
    delete: executionId => retention.delete(executionId),
    sweep: () => retention.sweep(),
    leases: new LeaseTable(database, executions),
    orders: new OrderTable(database, take, hints.publish, () => members.dropExpired()),
    inbox: new MessageTable(database, hints),
    exchange: (workerId, messages, free, ttlMs) => exchange.run(workerId, messages, free, ttlMs),
    members,
    hints,
    keepOrders: given => new ThreadRenewal(config, given, options.logger),
    close: () => (closing ??= close()),
  }
}
