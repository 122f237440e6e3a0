import { afterEach, describe, test } from 'vitest'
import type { SharedStore } from '../../../src/cluster/shared-store.ts'
import { POST } from '../../../src/store/postgres/sql/inbox.ts'
import { CLAIM_FREE, CLAIM_FREE_ONE } from '../../../src/store/postgres/sql/leases.ts'
import { APPEND, COMMIT } from '../../../src/store/postgres/sql/log.ts'
import { IS_HELD } from '../../../src/store/postgres/sql/orders.ts'
import type { Statement } from '../../../src/store/postgres/sql/statement.ts'
import { LOCK_LIMITS, TAKE_FREELY } from '../../../src/store/postgres/sql/take.ts'
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
