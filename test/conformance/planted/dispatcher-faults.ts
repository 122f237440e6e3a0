import type { Dispatcher, KeyReceiver, Offered, Reception } from '../../../src/cluster/order.ts'
import type { Planted } from './planted.ts'

/** The faulty parts of a dispatcher. `workers`: those of all dispatchers on its queue. */
export type DispatcherPlant = (dispatcher: Dispatcher, workers: KeyReceiver[]) => Partial<Dispatcher>

type Receive = NonNullable<Dispatcher['receive']>

/** A dispatcher with another view of its workers, or another reception. */
const receiving =
  (
    change: (receiver: KeyReceiver, workers: readonly KeyReceiver[]) => Partial<KeyReceiver>,
    changeReception: (reception: Reception) => Partial<Reception> = () => ({}),
  ): DispatcherPlant =>
  (dispatcher, workers) => {
    const receive: Receive = async receiver => {
      workers.push(receiver)
      const same: KeyReceiver = {
        workerId: receiver.workerId,
        capacity: receiver.capacity,
        offer: (key, tool) => receiver.offer(key, tool),
        reachable: isReachable => receiver.reachable(isReachable),
      }
      const reception = (await dispatcher.receive?.({ ...same, ...change(receiver, workers) })) as Reception
      return { ...reception, ...changeReception(reception) }
    }
    return { receive }
  }

/** A dispatcher that takes some answers of workers for others. */
const answering = (change: (offered: Offered) => Offered | Promise<Offered>): DispatcherPlant =>
  receiving(receiver => ({ offer: async (key, tool) => change(await receiver.offer(key, tool)) }))

const GONE: Offered = { status: 'gone' }
const WAITS: Offered = { status: 'postponed', cause: 'turn' }

const OFFERS = 'each order is offered once, with its key and its tool'
const ONE = 'an order is offered to one worker at a time'
const AGAIN = 'an order that was postponed or given back is offered again'

/** Faults of dispatchers of keys. */
export const DISPATCHER_FAULTS: readonly Planted<DispatcherPlant>[] = [
  ['has no name', () => ({ name: '' }), 'all processes have one dispatcher, which takes empty and unknown calls'],
  [
    'fails for an order that it does not know',
    () => ({ cancel: () => Promise.reject(new Error('expected a known order')) }),
    'all processes have one dispatcher, which takes empty and unknown calls',
  ],
  [
    'drops an order of each ten',
    dispatcher => ({ dispatch: orders => dispatcher.dispatch(orders.length < 10 ? orders : orders.slice(1)) }),
    OFFERS,
  ],
  [
    'loses which attempt it is',
    receiving(receiver => ({ offer: (key, tool) => receiver.offer({ ...key, attempt: 1 }, tool) })),
    OFFERS,
  ],
  ['loses the tool', receiving(receiver => ({ offer: key => receiver.offer(key, 'tool') })), OFFERS],
  [
    'cuts names at a colon',
    receiving(receiver => ({
      offer: (key, tool) => receiver.offer({ ...key, taskId: key.taskId.split(':')[0] ?? '' }, tool),
    })),
    OFFERS,
  ],
  [
    'offers attempts that nobody ordered',
    receiving(receiver => ({
      offer: (key, tool) => {
        void receiver.offer({ ...key, attempt: key.attempt + 1 }, tool)
        return receiver.offer(key, tool)
      },
    })),
    OFFERS,
  ],
  ['says that no keys arrive', receiving(() => ({ reachable: () => {} })), OFFERS],
  [
    'offers an order as often as it was dispatched',
    receiving(receiver => ({
      async offer(key, tool) {
        if (key.taskId === 'a') void receiver.offer(key, tool)
        return receiver.offer(key, tool)
      },
    })),
    'an order that is dispatched again while it waits is offered once',
  ],
  [
    'offers to all workers at once',
    receiving((receiver, workers) => ({
      async offer(key, tool) {
        for (const other of workers) if (other !== receiver) void other.offer(key, tool)
        return receiver.offer(key, tool)
      },
    })),
    ONE,
  ],
  ['offers again what has been taken', answering(offered => (offered.status === 'taken' ? WAITS : offered)), ONE],
  [
    'offers again what has ended',
    answering(offered =>
      offered.status === 'taken' ? { ...offered, ended: offered.ended.then(() => 'handed-back' as const) } : offered,
    ),
    ONE,
  ],
  [
    'forgets what has to wait for its turn',
    answering(offered => (offered.status === 'postponed' && offered.cause === 'turn' ? GONE : offered)),
    AGAIN,
  ],
  [
    'forgets what another worker has the tool of',
    answering(offered => (offered.status === 'postponed' && offered.cause === 'tool' ? GONE : offered)),
    AGAIN,
  ],
  [
    'forgets what a limit holds back',
    answering(offered => (offered.status === 'postponed' && offered.cause === 'limit' ? GONE : offered)),
    AGAIN,
  ],
  [
    'forgets what was given back',
    answering(offered =>
      offered.status === 'taken' ? { ...offered, ended: offered.ended.then(() => 'done' as const) } : offered,
    ),
    AGAIN,
  ],
  [
    'offers again what is gone',
    answering(offered => (offered.status === 'gone' ? WAITS : offered)),
    'an order that is gone is offered no more',
  ],
  [
    'exceeds the capacity of a worker',
    receiving(() => ({ capacity: 100 })),
    'a worker holds at most as many offers as its capacity',
  ],
  [
    'has one offer for each worker',
    receiving(() => ({ capacity: 1 })),
    'a worker holds at most as many offers as it accepts',
  ],
  [
    'ignores how many offers a worker accepts',
    receiving(
      () => ({}),
      () => ({ limit: () => {} }),
    ),
    'a worker holds at most as many offers as it accepts',
  ],
  [
    'forgets cancellations',
    () => ({ cancel: async () => {} }),
    'an order that was cancelled before its offer is not offered',
  ],
  [
    'cancels every attempt of a task',
    dispatcher => ({
      cancel: (key, code) => dispatcher.cancel({ ...key, attempt: 1 }, code),
    }),
    'an order that was cancelled before its offer is not offered',
  ],
  [
    'offers what was taken without an offer',
    receiving(
      () => ({}),
      () => ({ withdraw: () => {} }),
    ),
    'an order that was taken without an offer is not offered',
  ],
  [
    'offers to workers that have stopped',
    receiving(
      () => ({}),
      () => ({ stop: () => {}, close: async () => {} }),
    ),
    'a worker that stops is offered nothing more, and others go on',
  ],
]
