import type { Client } from 'dagstream/client'
import { onTestFinished } from 'vitest'
import { FaultProxy } from './fault-proxy.ts'
import type { FaultRig } from './fault-rig.ts'
import { eventually } from './handles.ts'
import { RawConnection } from './raw-connection.ts'

/** A way to the server of its own, for places that are tried side by side: most of the time goes into waiting. */
export interface Lane {
  readonly proxy: FaultProxy
  /** Goes through the proxy. */
  readonly client: Client
  /** Does not. */
  readonly direct: RawConnection
}

const LANE_COUNT = 6

/** Does `act` for each place, each lane one after another. */
export async function forEachPlace(
  rig: FaultRig,
  places: Iterable<number>,
  act: (place: number, lane: Lane) => Promise<void>,
): Promise<void> {
  const left = new Set(places).values()
  const lanes = await Promise.all(Array.from({ length: LANE_COUNT }, () => openLane(rig)))
  await Promise.all(
    lanes.map(async lane => {
      for (const place of left) await act(place, lane)
    }),
  )
}

async function openLane(rig: FaultRig): Promise<Lane> {
  const proxy = await FaultProxy.start(rig.port)
  const direct = await RawConnection.open(rig.port)
  onTestFinished(async () => {
    proxy.close()
    direct.destroy()
    await eventually('the connections of a lane', () => proxy.linkCount, 0)
  })
  return { proxy, client: rig.connect({ url: proxy.url }), direct }
}
