-- Tables as another client of the appliance may have made them.
CREATE TABLE dbo.[session] ([id] INT IDENTITY(1,1) NOT NULL PRIMARY KEY, [lsid] NVARCHAR(50) NOT NULL,
 [type] NVARCHAR(50) NULL, [start_time] DATETIME NULL, [end_time] DATETIME NULL, [duration] NVARCHAR(20) NULL,
 [file_transfers] INT NULL, [host_name] NVARCHAR(255) NOT NULL, [external_key] NVARCHAR(MAX) NULL,
 [public_site_id] INT NULL, [public_site_name] NVARCHAR(255) NULL, [lseq] INT NULL)
GO
CREATE TABLE dbo.[user] ([id] INT IDENTITY(1,1) NOT NULL PRIMARY KEY,
 [session_id] INT NOT NULL REFERENCES dbo.[session]([id]), [gs_number] INT NULL, [user_id] INT NULL,
 [user_name] NVARCHAR(255) NULL, [display_name] NVARCHAR(255) NULL, [is_owner] BIT NULL)
GO
CREATE TABLE dbo.[customer] ([id] INT IDENTITY(1,1) NOT NULL PRIMARY KEY,
 [session_id] INT NOT NULL REFERENCES dbo.[session]([id]), [gs_number] INT NULL, [issue] NVARCHAR(255) NULL,
 [issue_description] NVARCHAR(MAX) NULL, [company_name] NVARCHAR(255) NULL)
GO
CREATE TABLE dbo.[session_event] ([id] INT IDENTITY(1,1) NOT NULL PRIMARY KEY,
 [session_id] INT NOT NULL REFERENCES dbo.[session]([id]), [type] NVARCHAR(255) NULL, [event_time] DATETIME NULL,
 [performed_by] NVARCHAR(255) NULL, [noted] DATETIME NOT NULL DEFAULT GETDATE())
GO
CREATE TABLE dbo.[session_event_data] ([id] INT IDENTITY(1,1) NOT NULL PRIMARY KEY,
 [session_event_id] INT NOT NULL REFERENCES dbo.[session_event]([id]), [name] NVARCHAR(255) NULL,
 [value] NVARCHAR(MAX) NULL)
GO
CREATE TABLE dbo.[system_information] ([id] INT IDENTITY(1,1) NOT NULL PRIMARY KEY,
 [session_event_id] INT NOT NULL REFERENCES dbo.[session_event]([id]), [category] NVARCHAR(255) NULL,
 [information] NTEXT NULL)
GO
