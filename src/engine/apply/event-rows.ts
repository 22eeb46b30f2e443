import { columnsBehind, ENVELOPE_FIELDS, type Event } from "../../define/event.ts";
import { upcast } from "../../events/plain.ts";
import { Rows } from "../../store/rows.ts";
import type { Column } from "../../store/tables.ts";
import type { TextLane } from "../../store/text-lane.ts";
import type { Frame, Group } from "../../wire/frame.ts";
import { composeData, dataJson, sizeOfRow } from "./data-json.ts";

const ATTRIBUTES = ENVELOPE_FIELDS.length;
/** Bytes of texts that may wait in memory; what would go beyond is taken in parts. */
const WAITING_BYTES_MAX = 8_388_608;

/** Rows of the table `events` on their way: whole groups of a frame column by column, or one event. */
export class EventRows {
  readonly rows: Rows;
  private readonly data: TextLane;

  constructor(columns: readonly Column[]) {
    if (columns.length !== ATTRIBUTES + 4) throw new Error("the table events and its columns have parted");
    this.rows = new Rows("events", columns);
    this.data = this.rows.lanes[ATTRIBUTES + 2] as TextLane;
  }

  /** Adds all rows of a group; `full` is called in between when so many bytes wait that they should be written. */
  async takeGroup(group: Group, seq: number, full: () => Promise<void>): Promise<void> {
    const { lanes } = this.rows;
    const step = Math.max(1, Math.floor(WAITING_BYTES_MAX / 2 / sizeOfRow(group)));
    for (let from = 0; from < group.count; from += step) {
      const until = Math.min(group.count, from + step);
      for (let k = 0; k < ATTRIBUTES; k++) lanes[k]!.take(group.attributeColumn(k), from, until);
      lanes[ATTRIBUTES]!.take({ form: "same", value: group.type }, from, until);
      lanes[ATTRIBUTES + 1]!.take({ form: "same", value: group.v }, from, until);
      composeData(group, this.data, from, until);
      lanes[ATTRIBUTES + 3]!.take({ form: "same", value: seq }, from, until);
      if (this.rows.bytes > WAITING_BYTES_MAX) await full();
    }
  }

  /** Adds all events of a frame in their order, each in the newest version of its type; `full` as for {@link takeGroup}. */
  async takeFrame(frame: Frame, seq: number, full: () => Promise<void>): Promise<void> {
    const [group] = frame.groups;
    const newest = group!.event(0);
    if (frame.groups.length === 1 && upcast(newest) === newest) return this.takeGroup(group!, seq, full);
    for (const read of frame.events()) {
      const event = upcast(read);
      const behind = columnsBehind(event);
      if (behind) this.takeRow(behind.columns as Group, behind.row, seq);
      else this.takeEvent(event, seq);
      if (this.rows.bytes > WAITING_BYTES_MAX) await full();
    }
  }

  /** Adds one row of a group. */
  takeRow(group: Group, row: number, seq: number): void {
    const { lanes } = this.rows;
    for (let k = 0; k < ATTRIBUTES; k++) lanes[k]!.push((group.attributes[k] ?? group.attribute(k))[row]);
    this.push(group.type, group.v, dataJson(group, row), seq);
  }

  /** Adds an event that stands in no frame as it is: one raised from an older version of its type. */
  takeEvent(event: Event, seq: number): void {
    ENVELOPE_FIELDS.forEach(([name], k) => {
      this.rows.lanes[k]!.push(event[name as keyof Event]);
    });
    this.push(event.type, event.v, JSON.stringify(event.data), seq);
  }

  private push(type: string, v: number, data: string, seq: number): void {
    const { lanes } = this.rows;
    lanes[ATTRIBUTES]!.push(type);
    lanes[ATTRIBUTES + 1]!.push(v);
    lanes[ATTRIBUTES + 2]!.push(data);
    lanes[ATTRIBUTES + 3]!.push(seq);
  }
}
