import { type Signal, useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { Graph } from './graph-model.ts'
import { layOutByLayers } from './layered-layout.ts'
import type { Layout, LayoutInput } from './layout.ts'

/** Up to this number of nodes dagre lays out, in a worker. */
const MAX_DAGRE_NODES = 300
/** Time after which the own layout is taken, ms: the worker may not be able to start. */
const WORKER_MS = 3000

/** A layout with the graph that it is of. */
export interface PlacedGraph extends Graph {
  readonly layout: Layout
}

/** The newest layout of a graph; `undefined` until there is one. @param key changes with the structure of the graph */
export function useLayout(graph: Graph, key: string, isOffline: boolean): Signal<PlacedGraph | undefined> {
  const placed = useSignal<PlacedGraph | undefined>(undefined)
  useEffect(() => {
    const input: LayoutInput = {
      nodeCount: graph.nodes.length,
      edges: graph.edges.map(({ from, to }) => [from, to] as const),
      ranks: graph.nodes.map(({ rank }) => rank),
    }
    let isOver = false
    const take = (layout: Layout): void => {
      if (isOver) return
      isOver = true
      placed.value = { ...graph, layout }
    }
    if (isOffline || input.nodeCount > MAX_DAGRE_NODES || input.nodeCount === 0) {
      take(layOutByLayers(input))
      return undefined
    }
    const stop = askWorker(input, take)
    const timer = setTimeout(() => take(layOutByLayers(input)), WORKER_MS)
    return () => {
      isOver = true
      stop()
      clearTimeout(timer)
    }
  }, [key])
  return placed
}

let worker: Worker | undefined
let lastId = 0

function askWorker(input: LayoutInput, take: (layout: Layout) => void): () => void {
  // Shared by all layouts: it takes some 50 ms to start.
  const asked = (worker ??= new Worker('/page/layout.js'))
  const id = ++lastId
  const onMessage = ({ data }: MessageEvent<{ readonly id: number; readonly layout: Layout }>): void => {
    if (data.id === id) take(data.layout)
  }
  const onError = (): void => {
    worker = undefined
    take(layOutByLayers(input))
  }
  asked.addEventListener('message', onMessage)
  asked.addEventListener('error', onError)
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker has no origin to name
  asked.postMessage({ id, input })
  return () => {
    asked.removeEventListener('message', onMessage)
    asked.removeEventListener('error', onError)
  }
}
