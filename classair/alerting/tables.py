"""The tables of ledger.db that others read: states as told, alerts, notifications, episodes, the use of purifiers."""

from __future__ import annotations

from typing import Final

SCHEMA: Final = """
create table if not exists state_told(
    id integer primary key, room text not null, at integer not null, phase text not null, level text not null,
    shown text not null, rule text not null, co2_level text not null, co2_shown text not null,
    outdoor_shown text not null, config_version integer not null, advice_version text not null,
    simulated integer not null);
create index if not exists state_told_room on state_told(room, at);
create table if not exists alert(
    id text primary key, rule text not null, kind text not null, subject text not null, part text not null,
    site text not null, room text not null, severity text not null, state text not null, holds integer not null,
    since integer not null, fired_at integer, changed_at integer not null, acknowledged_at integer,
    acknowledged_by text not null default '', resolved_at integer, closed_at integer, times integer not null default 0,
    cause text not null default '', memory text not null default '{}', words text not null default '{}') without rowid;
create index if not exists alert_open on alert(rule, subject, part) where closed_at is null;
create index if not exists alert_changed on alert(changed_at);
create table if not exists alert_change(
    id integer primary key, alert text not null, at integer not null, before text not null, after text not null,
    who text not null, why text not null);
create index if not exists alert_change_alert on alert_change(alert, at);
create index if not exists alert_change_at on alert_change(at);
create table if not exists notification(
    id text primary key, made_at integer not null, due_at integer not null, site text not null, person text not null,
    stage text not null, severity text not null, language text not null, title text not null default '',
    text text not null default '', state text not null, reason text not null default '',
    channel text not null default '', attempts integer not null default 0, delivered_at integer,
    receipt text not null default '', reached integer not null default 0,
    episode text not null default '') without rowid;
create index if not exists notification_waiting on notification(due_at) where state in ('waiting', 'sending');
create index if not exists notification_made on notification(made_at);
create index if not exists notification_person on notification(person, made_at);
create table if not exists notification_item(
    notification text not null, place integer not null, alert text not null, stage text not null, kind text not null,
    title text not null, text text not null, primary key(notification, place)) without rowid;
create index if not exists notification_item_alert on notification_item(alert);
create table if not exists attempt(
    id integer primary key, notification text not null, at integer not null, person text not null,
    channel text not null, attempt integer not null, ok integer not null, error text not null, receipt text not null);
create index if not exists attempt_notification on attempt(notification, at);
create table if not exists letter(
    notification text primary key, channel text not null, address text not null, kind text not null,
    card text not null, picture text not null, until integer not null) without rowid;
create trigger if not exists letter_done after update of state on notification
    when new.state in ('delivered', 'abandoned', 'dropped') begin delete from letter where notification=new.id; end;
create table if not exists silence(
    id text primary key, at integer not null, until integer not null, site text not null, room text not null,
    subject text not null, rule text not null, who text not null, why text not null, ended_at integer,
    ended_by text not null default '') without rowid;
create table if not exists preference(
    person text not null, kind text not null, at integer not null, wanted integer not null,
    why text not null default '', primary key(person, kind)) without rowid;
create table if not exists contact(
    person text not null, channel text not null, address text not null, at integer not null,
    blocked_at integer, primary key(person, channel)) without rowid;
create table if not exists episode(
    id text primary key, name text not null, sites text not null, opened_at integer not null, opened_by text not null,
    why text not null, closed_at integer, closed_by text not null default '', summary text not null default '')
    without rowid;
create table if not exists episode_task(
    id text primary key, episode text not null, at integer not null, words text not null, site text not null,
    room text not null, owner text not null, due_at integer not null, done_at integer, done_by text not null default '',
    note text not null default '') without rowid;
create index if not exists episode_task_episode on episode_task(episode, due_at);
create table if not exists episode_log(
    id integer primary key, episode text not null, at integer not null, who text not null, what text not null,
    words text not null);
create index if not exists episode_log_episode on episode_log(episode, at);
create table if not exists purifier_usage(
    purifier text not null, day text not null, on_s real not null, off_s real not null, starts integer not null,
    metered_s real not null, metered_wh real not null, rated_s real not null, rated_wh real not null,
    dust_s real not null, dust_mg real not null, primary key(purifier, day)) without rowid;
"""
