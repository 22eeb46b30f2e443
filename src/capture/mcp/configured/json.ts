import { openJson, type Path } from "../../json-text.ts";
import { isLoose, type Loose } from "../../loose.ts";
import { type Configured, counterpart, type Editor } from "./editor.ts";

interface Found extends Configured {
  readonly path: Path;
  /** The list that holds the words: all of them, or all but the command. */
  readonly list: "command" | "args";
  readonly urlKey: string;
}

const texts = (value: unknown): readonly string[] | undefined =>
  Array.isArray(value) && value.every((item) => typeof item === "string") ? value : undefined;

function found(name: string, path: Path, value: Loose, project: string | undefined): Found {
  const { command, args, type } = value;
  const disabled = value.disabled === true || value.enabled === false;
  const base = {
    name,
    path,
    project,
    disabled,
    list: Array.isArray(command) ? "command" : "args",
    urlKey: "url",
  } as const;
  const list = texts(command);
  if (list && list.length > 0) return { ...base, words: list };
  if (typeof command === "string") {
    const rest = args === undefined ? [] : texts(args);
    return rest ? { ...base, words: [command, ...rest] } : { ...base, odd: "its arguments are not a list of texts" };
  }
  const urlKey = ["url", "httpUrl", "serverUrl"].find((key) => typeof value[key] === "string");
  const url = urlKey && (value[urlKey] as string);
  if (url && /^https?:\/\//i.test(url) && type !== "ws") return { ...base, url, urlKey: urlKey! };
  return { ...base, odd: url ? "its address is not one of HTTP" : "it has neither a command nor an address" };
}

/** Reads and changes the servers of a JSON file. Throws `bad_input` where it is none. */
export function openJsonServers(text: string, file: string, paths: readonly Path[]): Editor {
  const json = openJson(text, file);
  const read = (): Found[] => {
    const all: Found[] = [];
    for (const path of paths) {
      const star = path.indexOf("*");
      const outer = star < 0 ? {} : json.get(path.slice(0, star));
      const projects = star < 0 ? [undefined] : isLoose(outer) ? Object.keys(outer) : [];
      for (const project of projects) {
        const at = star < 0 ? path : path.with(star, project!);
        const servers = json.get(at);
        if (!isLoose(servers)) continue;
        for (const [name, value] of Object.entries(servers)) {
          // an object that holds servers itself, see the second path
          const isHolder = paths.some((other) => other.length === at.length + 1 && other.at(-1) === name);
          const entry = isLoose(value) ? found(name, [...at, name], value, project) : undefined;
          if (entry && !(isHolder && entry.odd)) all.push(entry);
        }
      }
    }
    return all;
  };
  let servers = read();
  const own = (server: Configured): Found => counterpart(editor, server) as Found;
  const editor: Editor = {
    get text() {
      return json.text;
    },
    get servers() {
      return servers;
    },
    prepend(server, words) {
      const { path, list, words: before } = own(server);
      if (list === "command") json.prepend([...path, "command"], words);
      else {
        json.prepend([...path, "args"], [...words.slice(1), before![0]!]);
        json.set([...path, "command"], words[0]!);
      }
      servers = read();
    },
    strip(server, count, was) {
      const { path, list, words } = own(server);
      if (list === "command") json.removeFirst([...path, "command"], count);
      else {
        const hadList = words!.length > count + 1 || texts(argsBefore(was, server)) !== undefined;
        if (hadList) json.removeFirst([...path, "args"], count);
        else json.remove([...path, "args"]);
        json.set([...path, "command"], words![count]!);
      }
      servers = read();
    },
    setUrl(server, url) {
      const { path, urlKey } = own(server);
      json.set([...path, urlKey], url);
      servers = read();
    },
  };
  const argsBefore = (was: Editor | undefined, server: Configured): unknown => {
    const before = counterpart(was, server) as Found | undefined;
    return before && openJson(was!.text, file).get([...before.path, "args"]);
  };
  return editor;
}
