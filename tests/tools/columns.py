"""The tables and columns of praic-records(5), read from that page."""

TABLES = {
    "session": "host_name lsid type start_time end_time duration file_transfers external_key"
    " public_site_id public_site_name lseq file_moves file_deletes jump_group_id"
    " jump_group_name jump_group_type jumpoint_id jumpoint_name over",
    "user": "gs_number user_id user_name display_name public_display_name display_number"
    " public_ip private_ip is_owner is_primary duration host_name operating_system invited",
    "team": "team_id name is_primary",
    "customer": "gs_number issue issue_description display_name company_name company_code"
    " public_ip private_ip host_name operating_system rpat_support user_name",
    "custom_attribute": "display_name code_name value",
    "session_event": "seq type event_time performed_by performed_by_type destination"
    " destination_type performed_by_gs_number destination_gs_number",
    "session_event_data": "event_seq seq name value",
    "system_information": "event_seq category information",
    "recording": "kind instance",
}

# A column of the table session that praic-tosql does not store.
NOT_STORED = "over"
