import { afterEach, describe, test } from 'vitest'
import type { SharedStore } from '../../../src/cluster/shared-store.ts'
import { POST, POST_ENDS, WAS_POSTED } from '../../../src/store/postgres/sql/inbox.ts'
import { CLAIM_FREE, CLAIM_FREE_ONE } from '../../../src/store/postgres/sql/leases.ts'
import { APPEND, COMMIT, COMMIT_STEP } from '../../../src/store/postgres/sql/log.ts'
import { IS_HELD } from '../../../src/store/postgres/sql/orders.ts'
import type { Statement } from '../../../src/store/postgres/sql/statement.ts'
import { LIST_ANSWERED, LOCK_LIMITS, LOCK_RATES, TAKE_FREELY } from '../../../src/store/postgres/sql/take.ts'
import { testDispatcher, testSharedStore } from '../../../src/testing/shared-conformance.ts'
import { openHere } from '../../store/postgres-rig.ts'
import { createDatabase, isPostgresMissing, letPass } from '../../support/postgres.ts'
import { expectFound } from './planted.ts'

/** A statement with one part replaced by another. */
type Change = readonly [statement: Statement, part: string, other: string]

const FAULTS: readonly (readonly [fault: string, change: Change, found: string])[] = [
  [
    'does not lock the orders that it takes',
    [TAKE_FREELY, ' FOR UPDATE SKIP LOCKED', ''],
    'of takes at once one gets each order',
  ],
  ['does not lock the limits that it counts', [LOCK_LIMITS, ' FOR UPDATE', ''], 'takes at once keep within a limit'],
  [
    'claims what another one holds',
    [CLAIM_FREE_ONE, ' AND (holder IS NULL', ' AND (true OR holder IS NULL'],
    'an execution has one living holder',
  ],
  ['claims what is parked', [CLAIM_FREE, ' AND parked IS NULL', ''], 'free are only executions that run'],
  [
    'appends with any epoch',
    [APPEND, ' AND epoch = $2', ' AND $2::int > 0'],
    'a lease that was taken over writes nothing',
  ],
  [
    'commits with any epoch',
    [COMMIT, ' AND epoch = $2', ' AND $2::int >= 0'],
    'a commit that is refused writes nothing of its round',
  ],
  [
    'commits a step with any epoch',
    [COMMIT_STEP, ' AND epoch = $2', ' AND $2::int >= 0'],
    'a commit that is refused writes nothing of its round',
  ],
  [
    'consumes messages though the lease is lost',
    [
      COMMIT,
      'DELETE FROM dagstream.inbox USING fence WHERE inbox.number = ANY ($16::bigint[]) AND execution = fence.number',
      'DELETE FROM dagstream.inbox WHERE inbox.number = ANY ($16::bigint[])',
    ],
    'a commit that is refused writes nothing of its round',
  ],
  [
    'accepts messages of any worker',
    [POST, ` AND ${IS_HELD}`, " AND $1::text <> ''"],
    'messages of a worker that does not hold the order are refused',
  ],
  [
    'accepts a message twice',
    [POST, 'WHERE message > last_message', 'WHERE true'],
    'a message that is posted twice is delivered once, also after it was consumed',
  ],
  [
    'takes more than an exchange asks for',
    [TAKE_FREELY, 'LIMIT $4', 'LIMIT $4 + 1'],
    'an exchange takes at most as many orders as it asks for, and only those of its tools',
  ],
  [
    'keeps the orders that an exchange ends',
    [POST, 'WHERE number = held AND is_settled', 'WHERE number = held AND is_settled AND false'],
    'an exchange ends the orders whose outcomes it posts',
  ],
  [
    'keeps the orders that an exchange of outcomes alone ends',
    [POST_ENDS, 'ARRAY(SELECT held FROM fresh)', 'ARRAY(SELECT held FROM fresh WHERE false)'],
    'an exchange ends the orders whose outcomes it posts',
  ],
  [
    'does not know what an earlier exchange has posted',
    [WAS_POSTED, 'AND i.message >= p.message', 'AND false'],
    'the messages of an exchange that is repeated are accepted again, and delivered once',
  ],
  [
    'accepts messages of any worker in an exchange',
    [POST_ENDS, ` AND ${IS_HELD}`, " AND $1::text <> ''"],
    'an exchange refuses messages of orders that its worker does not hold, and takes orders all the same',
  ],
  [
    'does not lock the orders that exchanges take',
    [TAKE_FREELY, ' FOR UPDATE SKIP LOCKED', ''],
    'of exchanges at once one gets each order',
  ],
  [
    'does not lock the limits that exchanges count',
    [LOCK_LIMITS, ' FOR UPDATE', ''],
    'exchanges at once keep within a limit',
  ],
  [
    'takes no notice of limits in an exchange',
    [TAKE_FREELY, 'max_running IS NOT NULL OR', ''],
    'the permit of a tool that an exchange frees is taken by it',
  ],
  [
    "takes no notice of an owner's maximum in an exchange",
    [TAKE_FREELY, "name = 'max_running_per_owner' AND value > 0", 'false'],
    'the permit of an owner that an exchange frees is taken by it',
  ],
  [
    'reads no rates in an exchange',
    [LOCK_RATES, 'rate_max IS NOT NULL', 'rate_max < 0'],
    'an exchange keeps within the rate of a tool',
  ],
  [
    'finds no answers in an exchange',
    [LIST_ANSWERED, 'WHERE worker = $1', 'WHERE worker = $1 AND false'],
    'an exchange gives answers, too',
  ],
]

/** What depends on the order of transactions is tried again until it is found. */
const MAX_RUNS = 20

describe.skipIf(isPostgresMissing)('the suites of shared stores and dispatchers find one in PostgreSQL that', () => {
  let restore = (): void => {}
  afterEach(() => restore())

  test.each(FAULTS)('%s', async (_, [statement, part, other], found) => {
    const { text } = statement
    const set = (changed: string): void => void Object.assign(statement, { text: changed })
    restore = () => set(text)
    if (!text.includes(part))
      throw new Error(`Expected \`${part}\` in the statement ${statement.name}: plant the fault in its new text`)
    set(text.replace(part, other))
    const url = await createDatabase()
    const store = await openHere(url)
    const create = (): SharedStore => store
    const wait = (ms: number): Promise<void> => letPass(url, ms)
    const cases = [...testSharedStore(create, { wait }), ...testDispatcher(create, { wait })]
    const race = cases.find(({ name }) => name === found && name.includes('at once'))
    if (race === undefined) return expectFound(cases, found)
    const untilFound = async (): Promise<void> => {
      for (let run = 0; run < MAX_RUNS; run++) await race.run()
    }
    await expectFound([{ name: found, run: untilFound }], found)
  })
})
