/** @jsxImportSource preact */
import { useSignal } from '@preact/signals'
import { useEffect, useLayoutEffect, useMemo, useRef } from 'preact/hooks'
import type { JSX } from 'preact'
import { type ExecutionContext, setOpened } from '../execution/execution-context.ts'
import { go, route } from '../route.ts'
import { Drawing } from './drawing.tsx'
import { buildGraph } from './graph-model.ts'
import { findNeighbour } from './neighbour.ts'
import { useLayout } from './use-layout.ts'
import { createViewport, fit, panBy, reveal, zoomAt } from './viewport.ts'

/** The tasks as a graph that can be moved and magnified. */
export function GraphView({ context }: { readonly context: ExecutionContext }): JSX.Element {
  const { model, graph: known } = context
  void model.version.value
  const { fold } = model
  const box = useRef<HTMLDivElement>(null)
  const viewport = useMemo(createViewport, [context])
  const size = useSignal({ width: 800, height: 500 })
  const focused = useSignal<string | undefined>(undefined)
  const isMoved = useRef(false)
  const wantsFocus = useRef(false)
  const opened = context.opened.value
  const tasks = known.value
  const key = `${fold.shape} ${tasks?.size ?? 0} ${[...opened].join(' ')}`
  const graph = useMemo(() => buildGraph(fold, tasks, opened), [fold, key])
  const placed = useLayout(graph, key, context.isOffline).value
  useLayoutEffect(() => {
    const element = box.current as HTMLDivElement
    const observer = new ResizeObserver(() => {
      size.value = { width: element.clientWidth, height: element.clientHeight }
    })
    observer.observe(element)
    // Not by a property: such a listener could not prevent the page from scrolling.
    const onWheel = (event: WheelEvent): void => {
      event.preventDefault()
      isMoved.current = true
      const { left, top } = element.getBoundingClientRect()
      zoomAt(viewport, Math.exp(-event.deltaY / 300), event.clientX - left, event.clientY - top)
    }
    element.addEventListener('wheel', onWheel, { passive: false })
    return () => {
      observer.disconnect()
      element.removeEventListener('wheel', onWheel)
    }
  }, [])
  useEffect(() => {
    if (placed !== undefined && !isMoved.current) viewport.value = fit(placed.layout, size.value, false)
  }, [placed, size.value])
  useLayoutEffect(() => {
    if (!wantsFocus.current) return
    wantsFocus.current = false
    box.current?.querySelector<SVGElement>('g[tabindex="0"]')?.focus()
  })
  const zoomBy = (factor: number): void => {
    isMoved.current = true
    zoomAt(viewport, factor, size.value.width / 2, size.value.height / 2)
  }
  const { value: at } = route
  const select = (taskId: string): void => {
    if (at.view === 'execution') go({ ...at, task: taskId }, true)
  }
  const onKeyDown = (event: KeyboardEvent): void => {
    if (placed === undefined) return
    if (event.key === '+' || event.key === '-') zoomBy(event.key === '+' ? 1.3 : 1 / 1.3)
    else {
      const to = findNeighbour(placed, focused.peek(), event.key)
      if (to === undefined) return
      focused.value = placed.nodes[to]?.key
      isMoved.current = true
      reveal(viewport, size.value, { x: placed.layout.x[to] as number, y: placed.layout.y[to] as number })
      wantsFocus.current = true
    }
    event.preventDefault()
  }
  return (
    <div
      class="graph"
      ref={box}
      onKeyDown={onKeyDown}
      onPointerMove={event => {
        if (event.buttons === 0) return
        isMoved.current = true
        panBy(viewport, event.movementX, event.movementY)
      }}
    >
      {placed !== undefined && (
        <Drawing
          placed={placed}
          fold={fold}
          viewport={viewport.value}
          size={size.value}
          filter={context.filter.value.toLowerCase()}
          status={context.status.value}
          selected={at.view === 'execution' ? at.task : undefined}
          focused={focused.value ?? placed.nodes[0]?.key}
          onSelect={select}
          onToggle={node => setOpened(context, node.key, !node.isOpen)}
        />
      )}
      <div class="graph-tools" role="group" aria-label="Zoom of the graph">
        {tasks === undefined && <span class="dim">The dependencies are not known.</span>}
        <button type="button" aria-label="Zoom out" onClick={() => zoomBy(1 / 1.3)}>
          −
        </button>
        <button type="button" aria-label="Zoom in" onClick={() => zoomBy(1.3)}>
          +
        </button>
        <button
          type="button"
          onClick={() => {
            isMoved.current = false
            if (placed !== undefined) viewport.value = fit(placed.layout, size.value, true)
          }}
        >
          All
        </button>
      </div>
    </div>
  )
}
