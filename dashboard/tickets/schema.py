"""The tables of reported problems in desk.db. The log is the truth; `ticket` repeats what it says, for finding."""

from __future__ import annotations

from typing import Final

SCHEMA: Final = """
create table if not exists ticket (
  id integer primary key, prefix text not null, year integer not null, serial integer not null,
  key text not null unique, kind text not null, site text not null, room text not null, received_at integer not null,
  state text not null, next_at integer, evidence integer not null default 0, folded text not null,
  unique (prefix, year, serial)
);
create index if not exists ticket_next on ticket (next_at);
create index if not exists ticket_evidence on ticket (id) where evidence = 0;
create index if not exists ticket_place on ticket (site, state);
create table if not exists ticket_log (
  seq integer primary key autoincrement, ticket integer not null references ticket, at integer not null,
  what text not null, who text not null, why text not null, data text not null
);
create index if not exists ticket_log_of on ticket_log (ticket, seq);
create trigger if not exists ticket_log_stays before delete on ticket_log
  begin select raise(abort, 'the log of reports only grows'); end;
create trigger if not exists ticket_log_holds before update on ticket_log
  begin select raise(abort, 'the log of reports only grows'); end;
create table if not exists ticket_words (
  id integer primary key autoincrement, ticket integer not null references ticket, at integer not null,
  who text not null, text text not null, photo text not null, message_key text unique, taken_back integer not null
);
create index if not exists ticket_words_of on ticket_words (ticket);
create index if not exists ticket_words_photo on ticket_words (photo) where photo <> '';
create table if not exists ticket_reporter (
  ticket integer not null references ticket, channel text not null, address text not null, language text not null,
  follows integer not null, since integer not null, primary key (ticket, channel, address)
) without rowid;
create index if not exists ticket_reporter_who on ticket_reporter (channel, address);
create table if not exists ticket_notice (
  key text primary key, ticket integer not null references ticket, what text not null, channel text not null,
  address text not null, language text not null, severity text not null, title text not null, text text not null,
  at integer not null, next_at integer, tries integer not null default 0, told_at integer,
  ended text not null default ''
) without rowid;
create index if not exists ticket_notice_next on ticket_notice (next_at);
"""
