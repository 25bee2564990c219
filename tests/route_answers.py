"""What every address answers, and to whom: the table that `test_route_questions` holds the app to.

A route that is in no row fails its test. Write it into the row that says who may ask it.
"""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """Of whom an address lets pass whom."""

    OPEN = "anybody"
    MEMBER = "whoever signed in"
    OWN = "the one whose it is"
    LOOK = "who may see the study"
    CHANGE = "who may see the study and change it"
    GOVERN = "the study's maker, owners and admins"
    UNCOVER = "owners and admins, of a study that they see"
    MAKE = "who may make studies"
    WORKSPACE = "owners and admins"
    ROOM = "the participant themself"
    TOKEN = "whoever shows a token"
    TOKEN_LOOK = "whose token may see the study"


ROUTES: dict[Kind, str] = {
    Kind.OPEN: """
        healthz static api.openapi
        readyz metrics
        dashboard.sign_in dashboard.set_up_account dashboard.join_team
        room.welcome room.agree room.personal room.use_personal_link
        room.resume room.use_resume_link
        uploads.options uploads.nothing_else
        dashboard.second_step dashboard.sign_in_by_provider dashboard.return_from_provider
        dashboard.forgotten_password dashboard.reset_password
        room.answers room.take_back room.take_back_all
    """,
    Kind.MEMBER: """
        dashboard.studies dashboard.help_page dashboard.design dashboard.sign_out
        dashboard.notifications dashboard.notification_list dashboard.bell
        dashboard.read_notifications dashboard.notification_settings
        dashboard.save_notification_settings dashboard.try_mail dashboard.api_tokens
        dashboard.prove dashboard.security dashboard.change_password dashboard.end_other_sign_ins
        dashboard.second_step_settings dashboard.prepare_second_step
        dashboard.confirm_second_step dashboard.renew_recovery_codes dashboard.remove_second_step
    """,
    Kind.OWN: """
        dashboard.notification dashboard.revoke_api_token dashboard.end_sign_in
        dashboard.remove_identity
    """,
    Kind.LOOK: """
        dashboard.study dashboard.guide dashboard.share dashboard.settings dashboard.show_dry_run
        dashboard.overview_of dashboard.overview_now dashboard.overview_figures
        dashboard.transcripts dashboard.transcript_rows dashboard.transcript_of dashboard.turns
        dashboard.presence_of dashboard.recording dashboard.renditions dashboard.tag_filter
        dashboard.exports dashboard.exported dashboard.bundles dashboard.bundle_list
        dashboard.highlights dashboard.highlights_as_csv dashboard.excerpt
        dashboard.personal_links dashboard.export_personal_links dashboard.stimulus
        dashboard.part dashboard.full_session dashboard.captions dashboard.poster dashboard.peaks
        dashboard.rendition dashboard.excerpt_file dashboard.bundle
        dashboard.deletions
    """,
    Kind.CHANGE: """
        dashboard.set_up dashboard.save_step dashboard.share_step dashboard.save_share
        dashboard.new_question dashboard.new_section dashboard.new_option dashboard.add_stimulus
        dashboard.keep_draft dashboard.discard_draft dashboard.set_state dashboard.duplicate_study
        dashboard.ask_to_delete_study dashboard.delete_study
        dashboard.name dashboard.rename
        dashboard.ask_to_delete_interview dashboard.delete_interview
        dashboard.ask_to_delete_chosen dashboard.delete_chosen dashboard.export_chosen
        dashboard.ask_for_bundle dashboard.remove_bundle
        dashboard.ask_for_rendition dashboard.remove_rendition
        dashboard.merge_again dashboard.cancel_merge dashboard.hear_again
        dashboard.resume_links dashboard.create_resume_link dashboard.revoke_resume_link
        dashboard.revoke_answers_link
        dashboard.create_personal_links dashboard.renew_personal_link
        dashboard.revoke_personal_link dashboard.remove_personal_link
        dashboard.tags dashboard.make_tag dashboard.change_tag dashboard.remove_tag
        dashboard.tags_of dashboard.tag_interview
        dashboard.new_highlight dashboard.mark dashboard.highlight dashboard.change_highlight
        dashboard.remove_highlight dashboard.ask_for_excerpt dashboard.remove_excerpt
        dashboard.new_comment dashboard.comment dashboard.remove_comment
        dashboard.correction dashboard.correct dashboard.take_back
        dashboard.new_redaction dashboard.redact dashboard.keeping dashboard.keep
        dashboard.set_retention
    """,
    Kind.GOVERN: "dashboard.save_access",
    Kind.UNCOVER: """
        dashboard.original dashboard.show_original dashboard.undo_redaction
        dashboard.data_request dashboard.ask_for_data
    """,
    Kind.MAKE: """
        dashboard.new_study dashboard.create_study dashboard.begin_draft dashboard.create_api_token
    """,
    Kind.WORKSPACE: """
        dashboard.team dashboard.invite dashboard.revoke_invitation dashboard.change_person
        dashboard.ask_to_remove_person dashboard.remove_person dashboard.let_person_back
        dashboard.moderator dashboard.save_moderator dashboard.try_moderator
        dashboard.listener dashboard.save_listener dashboard.try_listener
        dashboard.voice dashboard.save_voice dashboard.try_voice dashboard.voice_sample
        dashboard.webhooks dashboard.add_webhook dashboard.webhook dashboard.change_webhook
        dashboard.remove_webhook dashboard.deliveries dashboard.try_webhook
        dashboard.repeat_delivery
        dashboard.audit_log dashboard.export_audit_log
        dashboard.receipts dashboard.receipts_as_csv dashboard.receipts_as_json
        dashboard.server dashboard.server_now dashboard.retry_work
        dashboard.workspace_retention dashboard.set_workspace_retention
    """,
    Kind.ROOM: """
        room.enter room.arrive room.beat room.depart room.end room.pause room.question room.readmit
        room.speech_sample room.stimulus room.answer room.caption room.place_of room.speech_of
        room.way_on room.withdraw room.create_answers_link
        uploads.create uploads.ask uploads.append uploads.terminate
        uploads.close
    """,
    Kind.TOKEN: "api.studies api.interviews",
    Kind.TOKEN_LOOK: "api.study api.interview api.recording api.clip",
}

# The sockets' events, by namespace.
EVENTS = {
    "/workplace": {"on_connect"},
    "/room": {"on_connect", "on_disconnect", "on_heartbeat"},
}


def kind_of(endpoint: str) -> Kind | None:
    return next((kind for kind, names in ROUTES.items() if endpoint in names.split()), None)
